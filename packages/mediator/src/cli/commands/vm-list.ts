import { ExitCode, priorityName } from '@vgpu/protocol';
import { Registry } from '../../state/registry.js';
import { type Column, table } from '../table.js';
import { type Command, JSON_OPTION, LOCATION } from './command.js';
import { locationOf } from './location.js';
import { rateText, vmObject } from './vm-text.js';

const COLUMNS: readonly Column[] = [
  ['VM', 'right'],
  ['POOL'],
  ['PRIORITY'],
  ['STATE'],
  ['RATE LIMIT'],
  ['MAX QUEUED', 'right'],
];

/** `vm list`: the VMs that are registered. */
export const vmList: Command = {
  usage: 'list',
  summary: 'print the VMs that are registered',
  build: (parser) =>
    parser
      .options({ ...JSON_OPTION, ...LOCATION })
      .example('$0 vm list', 'a table; with tabs between its cells if a program reads it')
      .example("$0 vm list --json | jq '.[] | select(.suspended).vm'", 'those that are suspended')
      .epilog(
        "By number ascending, as the registry says. A limit that is - is the mediator's own. What the " +
          'VMs do at the moment is to be seen by vgpu-mediator status.\n\n' +
          'Exit status: 0 printed; 64 wrong use; 77 no permission; 78 the configuration or the registry ' +
          'is invalid.',
      ),
  run: (flags, surroundings) => {
    const { print, note } = surroundings;
    const registry = new Registry(locationOf(flags, surroundings).stateDir);
    if (flags['json'] === true) {
      const vms = registry.entries().map(([vm, registration]) => vmObject(vm, registration));
      print(JSON.stringify(vms, null, 2));
      return Promise.resolve(ExitCode.OK);
    }
    const rows = registry
      .entries()
      .map(([vm, { pool, priority, suspended, rateLimit, maxQueued }]) => [
        String(vm),
        pool,
        priorityName(priority),
        suspended ? 'suspended' : 'active',
        rateLimit ? rateText(rateLimit) : '-',
        String(maxQueued ?? '-'),
      ]);
    print(table(COLUMNS, rows, surroundings));
    if (rows.length === 0) note('no VM is registered; vgpu-mediator vm add registers one');
    return Promise.resolve(ExitCode.OK);
  },
};
