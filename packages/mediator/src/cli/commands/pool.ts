import { ExitCode, Pool } from '@vgpu/protocol';
import type { Column } from '@vgpu/protocol/cli';
import { Registry } from '../../state/registry.js';
import { setPool } from '../../provisioning/set-pool.js';
import { waitingPools } from '../../devices/waiting-pools.js';
import { table } from '../terminal-text.js';
import {
  type Command,
  type CommandGroup,
  JSON_OPTION,
  LOCATION,
  type CliContext,
  value,
} from './command.js';
import { locationOf } from './location.js';
import { applyToRunning, noteApplied } from './apply-to-running.js';
import { poolDevicesOf, poolOf } from './vm-arguments.js';

const COLUMNS: readonly Column[] = [['POOL'], ['DEVICES']];

/** `pool list`: which devices serve which pool. */
const poolList: Command = {
  usage: 'list',
  summary: 'print which devices serve which pool',
  build: (parser) =>
    parser
      .options({ ...JSON_OPTION, ...LOCATION })
      .example('$0 pool list', 'a table; with tabs between its cells if a program reads it'),
  run: (flags, context) => {
    const { print } = context;
    const registry = new Registry(locationOf(flags, context).stateDir);
    const pools = Pool.options.map((pool) => ({
      pool,
      devices: registry.poolDevices(pool) ?? null,
    }));
    const rows = pools.map(({ pool, devices }) => [pool, devices?.join(',') ?? 'all']);
    print(flags['json'] === true ? JSON.stringify(pools, null, 2) : table(COLUMNS, rows, context));
    return Promise.resolve(ExitCode.OK);
  },
};

/** `pool set`: assigns devices to a pool. */
const poolSet: Command = {
  usage: 'set <pool>',
  summary: 'assign devices to a pool',
  build: (parser) =>
    parser
      .positional('pool', { type: 'string', describe: 'A or B' })
      .options({
        devices: {
          ...value('all, or numbers such as 0,1, as in serve --devices'),
          demandOption: true,
        },
        ...JSON_OPTION,
        ...LOCATION,
      })
      .example('$0 pool set A --devices 0,1', 'requests of pool A go to these devices only')
      .example('$0 pool set A --devices all', 'every device, which is the default')
      .epilog(
        'An idle device takes the first request in the queue whose pool it serves. While no device of a pool ' +
          'works, the requests of the pool wait.\n',
      ),
  run: async (flags, context) => {
    const pool = poolOf(flags);
    const devices = poolDevicesOf(flags);
    const { stateDir } = locationOf(flags, context);
    setPool(pool, devices, stateDir);
    const mediator = await applyToRunning(stateDir);
    if (flags['json'] === true) {
      context.print(JSON.stringify({ pool, devices: devices ?? null, mediator }, null, 2));
      return ExitCode.OK;
    }
    context.print(`pool ${pool}: ${devices ? `devices ${devices.join(', ')}` : 'all devices'}`);
    noteApplied(mediator, context);
    if (mediator === 'applied') await noteWaiting(pool, stateDir, context);
    return ExitCode.OK;
  },
};

/** Warns if none of the pool's new devices works, for example because it does not exist. */
async function noteWaiting(pool: Pool, stateDir: string, { note }: CliContext): Promise<void> {
  const { ask } = await import('../../control/control-client.js');
  const { StatusResult } = await import('../../control/status-result.js');
  const { pools } = await ask(stateDir, { command: 'status' }, StatusResult);
  for (const text of waitingPools(pools.filter((each) => each.pool === pool))) note(text);
}

export const poolGroup: CommandGroup = {
  name: 'pool',
  summary: 'administer pools: list, set',
  commands: [poolList, poolSet],
};
