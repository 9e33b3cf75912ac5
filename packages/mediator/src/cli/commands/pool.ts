import { ExitCode, Pool } from '@vgpu/protocol';
import { Registry } from '../../state/registry.js';
import { setPool } from '../../provisioning/set-pool.js';
import { waitingPools } from '../../devices/waiting-pools.js';
import { type Column, table } from '../table.js';
import {
  type Command,
  type CommandGroup,
  JSON_OPTION,
  LOCATION,
  type Surroundings,
  value,
} from './command.js';
import { locationOf } from './location.js';
import { noteObedience, obedience } from './obedience.js';
import { poolDevicesOf, poolOf } from './vm-arguments.js';

const COLUMNS: readonly Column[] = [['POOL'], ['DEVICES']];

/** `pool list`: which devices serve which pool. */
const poolList: Command = {
  usage: 'list',
  summary: 'print which devices serve which pool',
  build: (parser) =>
    parser
      .options({ ...JSON_OPTION, ...LOCATION })
      .example('$0 pool list', 'a table; with tabs between its cells if a program reads it')
      .epilog(
        'Exit status: 0 printed; 64 wrong use; 77 no permission; 78 the configuration or the registry ' +
          'is invalid.',
      ),
  run: (flags, surroundings) => {
    const { print } = surroundings;
    const registry = new Registry(locationOf(flags, surroundings).stateDir);
    const pools = Pool.options.map((pool) => ({
      pool,
      devices: registry.poolDevices(pool) ?? null,
    }));
    const rows = pools.map(({ pool, devices }) => [pool, devices?.join(',') ?? 'all']);
    print(
      flags['json'] === true ? JSON.stringify(pools, null, 2) : table(COLUMNS, rows, surroundings),
    );
    return Promise.resolve(ExitCode.OK);
  },
};

/** `pool set`: says which devices serve a pool. */
const poolSet: Command = {
  usage: 'set <pool>',
  summary: 'say which devices serve a pool',
  build: (parser) =>
    parser
      .positional('pool', { type: 'string', describe: 'A or B' })
      .options({
        devices: {
          ...value('all, or numbers such as 0,1, as serve --devices has them'),
          demandOption: true,
        },
        ...JSON_OPTION,
        ...LOCATION,
      })
      .example('$0 pool set A --devices 0,1', 'requests of pool A go to these devices only')
      .example('$0 pool set A --devices all', 'as it is by default')
      .epilog(
        'A device that is idle takes the first request in the order of the queue whose pool it ' +
          'serves. While none of the devices of a pool works, its requests wait.\n\n' +
          'Exit status: 0 done; 64 wrong use; 73 a file could not be written; 75 changed, but the ' +
          'mediator that is running does not obey yet; 77 no permission; 78 the configuration or the ' +
          'registry is invalid.',
      ),
  run: async (flags, surroundings) => {
    const pool = poolOf(flags);
    const devices = poolDevicesOf(flags);
    const { stateDir } = locationOf(flags, surroundings);
    setPool(pool, devices, stateDir);
    const mediator = await obedience(stateDir);
    if (flags['json'] === true) {
      surroundings.print(JSON.stringify({ pool, devices: devices ?? null, mediator }, null, 2));
      return ExitCode.OK;
    }
    surroundings.print(
      `pool ${pool}: ${devices ? `devices ${devices.join(', ')}` : 'all devices'}`,
    );
    noteObedience(mediator, surroundings);
    if (mediator === 'obeys') await noteWaiting(pool, stateDir, surroundings);
    return ExitCode.OK;
  },
};

/** Says so where none of the devices that the pool has now works, such as one that does not exist. */
async function noteWaiting(pool: Pool, stateDir: string, { note }: Surroundings): Promise<void> {
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
