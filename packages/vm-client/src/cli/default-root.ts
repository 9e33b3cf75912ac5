import fs from 'node:fs';

const GUEST_ROOT = '/mnt/vgpu';
const HOST_ROOT = '/var/vgpu';

/** Where the directories of the VMs are if nothing is said: in a guest, else on a host. */
export const defaultRoot = () => (fs.existsSync(GUEST_ROOT) ? GUEST_ROOT : HOST_ROOT);
