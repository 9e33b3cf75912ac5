import { ExitCode } from '@vgpu/protocol';
import { MAX_TIMER_MS } from '../../time.js';
import { type Command, JSON_OPTION, LOCATION, toggle } from './command.js';
import { locationOf } from './location.js';

/** `drain`: ends the mediator that is running once what is queued is finished. */
export const drain: Command = {
  usage: 'drain',
  summary: 'finish what is queued, then end the mediator that is running',
  build: (parser) =>
    parser
      .options({
        wait: toggle('wait until it has ended [default]; --no-wait: only tell it'),
        ...JSON_OPTION,
        ...LOCATION,
      })
      .example('$0 drain && nvidia-smi --gpu-reset', 'once nobody uses the GPU any more')
      .example('$0 drain --no-wait', 'and see by status how far it is')
      .epilog(
        'The mediator takes up nothing more, finishes what is queued and on its devices, and exits ' +
          'with 0, after which a supervisor that restarts failures only leaves it alone. Requests ' +
          'that come meanwhile, and those of a VM beyond its queue limit, stay on disk, where the next ' +
          'mediator finds them in their order. SIGTERM ends it earlier, with the queue unfinished. It ' +
          'cannot be called off; start the mediator again. Ctrl-C ends the waiting, not the draining.\n\n' +
          'Exit status: 0 done; 64 wrong use; 69 no mediator is running; 75 it does not answer, or was ' +
          'stopped before all was finished: the rest is on disk; 77 no permission; 78 the ' +
          'configuration is invalid.',
      ),
  run: async (flags, surroundings) => {
    const { isTerminal, print, note } = surroundings;
    const { stateDir } = locationOf(flags, surroundings);
    const wait = flags['wait'] !== false;
    const { ask } = await import('../../control/control-client.js');
    const { DrainResult } = await import('../../control/messages.js');
    const { StatusResult } = await import('../../control/status-result.js');
    // It may take long to finish, but one that does not even say how it is, hangs.
    await ask(stateDir, { command: 'status' }, StatusResult);
    if (wait && isTerminal) note('waiting until what is queued is finished');
    const options = wait ? { limitMs: MAX_TIMER_MS, untilItEnds: true } : {};
    const { left } = await ask(stateDir, { command: 'drain', wait }, DrainResult, options);
    if (flags['json'] === true) print(JSON.stringify({ ended: wait, left }, null, 2));
    else print(wait ? endText(left) : `draining: ${left} requests are queued or on a device`);
    return wait && left > 0 ? ExitCode.TRY_AGAIN : ExitCode.OK;
  },
};

function endText(left: number): string {
  return left === 0
    ? 'drained: the mediator has ended'
    : `the mediator has ended, and ${left} requests are left on disk: it was stopped before it was drained, ` +
        'or could not put their answers in place';
}
