/** The variable parts of the systemd unit. */
export interface UnitOptions {
  /** The command that runs the mediator; its paths are absolute. */
  readonly command: readonly string[];
  readonly user: string;
  readonly root: string;
  readonly stateDir: string;
}

/** The systemd unit of a mediator; deploy/systemd holds the default one. */
export function unitText({ command, user, root, stateDir }: UnitOptions): string {
  const paths = words([root, stateDir]);
  return `# Written by vgpu-mediator service install, which replaces it. Put your own changes into a drop-in
# (systemctl edit vgpu-mediator): docs/how-to/run-as-a-service.md.

[Unit]
Description=vGPU Mediator
Documentation=https://github.com/vgpu-mediator/vgpu-mediator/blob/main/docs/how-to/run-as-a-service.md
RequiresMountsFor=${paths}
After=network.target nvidia-persistenced.service
StartLimitIntervalSec=300
StartLimitBurst=10

[Service]
Type=notify
# Without the addon, the mediator runs systemd-notify.
NotifyAccess=all
User=${user}
Group=${user}
# As root: loads the driver's modules and creates /dev/nvidia*, for which a user needs privileges.
ExecStartPre=-+/usr/bin/nvidia-modprobe -u -c 0
ExecStart=${words(command).replaceAll('$', () => '$$')}
ExecReload=/bin/kill -HUP $MAINPID
# VGPU_HTTP_TOKEN, and other options that must not be visible in arguments.
EnvironmentFile=-/etc/vgpu/http.env
# The driver's cache of code for a GPU that is newer than this program.
Environment=CUDA_CACHE_PATH=%C/vgpu
CacheDirectory=vgpu
CacheDirectoryMode=0700
# For --http unix:/run/vgpu/http.sock.
RuntimeDirectory=vgpu
# A device may hang this long beyond --exec-limit, and the event loop may be blocked this long.
WatchdogSec=30
TimeoutStartSec=120
# Time for the operation on a device, at most --exec-limit, and for closing the device.
TimeoutStopSec=30
# Only the mediator gets the signal, so that a device in a process of its own finishes, too.
KillMode=mixed
Restart=on-failure
RestartSec=1
# Invalid command line, no permission, invalid configuration: a restart does not help.
RestartPreventExitStatus=64 77 78

# The host is read-only, except for these paths. StateDirectory= is not used: it is below /var/lib, which is not
# the default of the commands, and it sets a mode at each start that removes the access of QEMU's user.
ProtectSystem=strict
ReadWritePaths=${paths}
ProtectHome=yes
PrivateTmp=yes
# The VM directories belong to this user, so that no privilege is needed: SECURITY.md.
CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
# No PrivateDevices=, and no DevicePolicy=: the GPU's device numbers are not known before its modules are
# loaded. No ProcSubset=: the driver reads /proc/driver. No MemoryDenyWriteExecute=: V8 compiles.
ProtectProc=invisible
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
LockPersonality=yes
PrivateMounts=yes
RemoveIPC=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
UMask=0027

[Install]
WantedBy=multi-user.target
`;
}

/** The user for sysusers.d(5), in the groups that own the GPU on hosts that restrict it. */
export function sysusersText({ user, root }: Pick<UnitOptions, 'user' | 'root'>): string {
  // passwd(5) cannot hold a colon; the user needs no home.
  const home = root.includes(':') ? '-' : words([root]);
  return `# Made by vgpu-mediator service install.
u ${user} - "vGPU Mediator" ${home}
m ${user} video
m ${user} render
`;
}

/** Words of a unit, quoted where needed and without specifiers (systemd.unit(5), sysusers.d(5)). */
function words(values: readonly string[]): string {
  return values
    .map((value) => value.replaceAll('%', '%%'))
    .map((value) =>
      /^[A-Za-z0-9_@%$+=:,./-]+$/.test(value)
        ? value
        : `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`,
    )
    .join(' ');
}
