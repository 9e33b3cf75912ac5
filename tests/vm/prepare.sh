#!/usr/bin/env bash
# Provides what `pnpm test:vm` needs, on Debian: installs packages, and unpacks a kernel for the
# guests into .cache (it is not to be booted here, so it is not installed).
set -euo pipefail
cd "$(dirname "$0")/../.."

apt-get update -q
apt-get install -qy --no-install-recommends \
  qemu-system-x86 qemu-system-common util-linux busybox-static cpio kmod zstd nfs-ganesha nfs-ganesha-vfs

folder=.cache/vm
if ! compgen -G "$folder/kernel/boot/vmlinuz-*" >/dev/null; then
  mkdir -p "$folder"
  package=$(apt-cache depends linux-image-cloud-amd64 | awk '$1 == "Depends:" { print $2; exit }')
  # apt downloads as a user of its own, who may not be able to write here.
  download=$(mktemp -d)
  trap 'rm -rf "$download"' EXIT
  chmod 0777 "$download"
  (cd "$download" && apt-get download -q "$package")
  dpkg-deb -x "$download"/*.deb "$folder/kernel.new"
  rm -rf "$folder/kernel"
  mv "$folder/kernel.new" "$folder/kernel"
fi
