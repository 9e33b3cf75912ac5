import { ExitCode } from '@vgpu/protocol';
import { MAX_TIMER_MS } from '../../time.js';
import { type Command, JSON_OPTION, LOCATION, toggle } from './command.js';
import { locationOf } from './location.js';

/** `drain`: has the running mediator finish its queue and exit. */
export const drain: Command = {
  usage: 'drain',
  summary: 'finish the queued requests, then end the running mediator',
  build: (parser) =>
    parser
      .options({
        wait: toggle('wait until it has ended [default]; --no-wait: return at once'),
        ...JSON_OPTION,
        ...LOCATION,
      })
      .example('$0 drain && nvidia-smi --gpu-reset', 'once the mediator no longer uses the GPU')
      .example('$0 drain --no-wait', 'and follow the progress with status')
      .epilog(
        'The mediator admits no more requests, finishes the queued ones and those on its devices, and exits ' +
          'with 0; a supervisor that restarts failures only leaves it stopped. New requests, and those of a ' +
          'VM beyond its queue limit, stay on disk, where the next mediator finds them in their order. ' +
          'SIGTERM ends it earlier, with the queue unfinished. Draining cannot be cancelled; start the ' +
          'mediator again. Ctrl-C ends the waiting, not the draining.\n',
      ),
  run: async (flags, context) => {
    const { isTerminal, print, note } = context;
    const { stateDir } = locationOf(flags, context);
    const wait = flags['wait'] !== false;
    const { ask } = await import('../../control/control-client.js');
    const { DrainResult } = await import('../../control/messages.js');
    const { StatusResult } = await import('../../control/status-result.js');
    // Finishing may take long; a mediator that does not report its status hangs.
    await ask(stateDir, { command: 'status' }, StatusResult);
    if (wait && isTerminal) note('waiting until the queued requests are finished');
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
        'or could not write their responses';
}
