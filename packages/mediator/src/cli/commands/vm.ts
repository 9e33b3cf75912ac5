import type { CommandGroup } from './command.js';
import { vmAdd } from './vm-add.js';
import { vmList } from './vm-list.js';
import { vmRemove } from './vm-remove.js';
import { vmSet } from './vm-set.js';
import { vmShow } from './vm-show.js';
import { vmResume, vmSuspend } from './vm-suspend.js';

export const vmGroup: CommandGroup = {
  name: 'vm',
  summary: 'administer virtual machines: add, set, list, show, suspend, resume, remove',
  commands: [vmAdd, vmSet, vmList, vmShow, vmSuspend, vmResume, vmRemove],
};
