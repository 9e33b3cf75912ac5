/** What a unit of systemd is made from. */
export interface UnitOptions {
  /** What runs the mediator, with its arguments; absolute paths. */
  readonly command: readonly string[];
  readonly user: string;
  readonly root: string;
  readonly stateDir: string;
}

/** The unit with which systemd runs a mediator; deploy/systemd has it as it is by default. */
export function unitText({ command, user, root, stateDir }: UnitOptions): string {
  const paths = words([root, stateDir]);
  return `# Made by vgpu-mediator service install, which replaces it. What is to be otherwise belongs into a
# drop-in (systemctl edit vgpu-mediator): docs/how-to/run-as-a-service.md.

[Unit]
Description=vGPU Mediator
Documentation=https://github.com/vgpu-mediator/vgpu-mediator/blob/main/docs/how-to/run-as-a-service.md
RequiresMountsFor=${paths}
After=network.target nvidia-persistenced.service
StartLimitIntervalSec=300
StartLimitBurst=10

[Service]
Type=notify
# Where the mediator has no addon, systemd-notify speaks for it.
NotifyAccess=all
User=${user}
Group=${user}
# As root: loads the driver's modules and makes /dev/nvidia*, which a user without privileges cannot.
ExecStartPre=-+/usr/bin/nvidia-modprobe -u -c 0
ExecStart=${words(command).replaceAll('$', () => '$$')}
ExecReload=/bin/kill -HUP $MAINPID
# VGPU_HTTP_TOKEN, and other options that are not to be seen in arguments.
EnvironmentFile=-/etc/vgpu/http.env
# What the driver compiles for a GPU that is newer than this program.
Environment=CUDA_CACHE_PATH=%C/vgpu
CacheDirectory=vgpu
CacheDirectoryMode=0700
# For --http unix:/run/vgpu/http.sock.
RuntimeDirectory=vgpu
# A device may hang for so long beyond --exec-limit, and the event loop for so long.
WatchdogSec=30
TimeoutStartSec=120
# The operation on a device, of --exec-limit at most, and what it takes to let the device go.
TimeoutStopSec=30
# A device in a process of its own finishes, too: only the mediator gets the signal.
KillMode=mixed
Restart=on-failure
RestartSec=1
# Wrong use, no permission, wrong configuration: the same again would come of it.
RestartPreventExitStatus=64 77 78

# All of the host is to be read, at most, but for these. Not StateDirectory=, which is below /var/lib, where
# no command looks without being told, and sets a mode at each start that takes QEMU's user its access.
ProtectSystem=strict
ReadWritePaths=${paths}
ProtectHome=yes
PrivateTmp=yes
# The VM directories are this user's own, so that no privilege is needed: SECURITY.md.
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

/** The user for sysusers.d(5), in the groups to which hosts that let not everybody do so give the GPU. */
export function sysusersText({ user, root }: Pick<UnitOptions, 'user' | 'root'>): string {
  // passwd(5) has no way to write a colon; then the home is that of a user who needs none.
  const home = root.includes(':') ? '-' : words([root]);
  return `# Made by vgpu-mediator service install.
u ${user} - "vGPU Mediator" ${home}
m ${user} video
m ${user} render
`;
}

/** Words of a unit: quoted where needed, without specifiers (systemd.unit(5), sysusers.d(5)). */
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
