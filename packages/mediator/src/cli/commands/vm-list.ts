import { ExitCode, priorityName } from '@vgpu/protocol';
import type { Column } from '@vgpu/protocol/cli';
import { Registry } from '../../state/registry.js';
import { table } from '../terminal-text.js';
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

/** `vm list`: the registered VMs. */
export const vmList: Command = {
  usage: 'list',
  summary: 'print the registered VMs',
  build: (parser) =>
    parser
      .options({ ...JSON_OPTION, ...LOCATION })
      .example('$0 vm list', 'a table; with tabs between its cells if a program reads it')
      .example("$0 vm list --json | jq '.[] | select(.suspended).vm'", 'the suspended VMs')
      .epilog(
        "In ascending order, from the registry. - stands for the mediator's own limit. For the current " +
          'activity of the VMs, see vgpu-mediator status.\n',
      ),
  run: (flags, context) => {
    const { print, note } = context;
    const registry = new Registry(locationOf(flags, context).stateDir);
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
    print(table(COLUMNS, rows, context));
    if (rows.length === 0) note('no VM is registered; vgpu-mediator vm add registers one');
    return Promise.resolve(ExitCode.OK);
  },
};
