import { describe, expect, it } from '@jest/globals';
import {
  completedWord,
  type ExitStatus,
  exitStatusTable,
  exitStatusText,
  helpOf,
  optionTable,
  repeatedOption,
  textTable,
  variableOf,
} from '@vgpu/protocol/cli';

describe('options', () => {
  const OPTIONS = {
    'log-level': { describe: 'log `info` and above', takes: 'error|info', defaultText: 'info' },
    burst: { describe: 'requests at once', takes: 'count', defaultText: "one second's worth" },
    once: { describe: 'process all, then exit', takes: undefined },
  };

  it('have a variable of the environment each', () => {
    expect(variableOf('vm-id')).toBe('VGPU_VM_ID');
  });

  it('are described with their default, without backquotes', () => {
    expect(Object.values(OPTIONS).map(helpOf)).toEqual([
      'log info and above [default: info]',
      "requests at once [default: one second's worth]",
      'process all, then exit',
    ]);
  });

  it('are a table of Markdown; with a column for reloads if that is known', () => {
    expect(optionTable(OPTIONS).split('\n')).toEqual([
      '| flag | variable | default | meaning |',
      '| --- | --- | --- | --- |',
      '| `--log-level <error\\|info>` | `VGPU_LOG_LEVEL` | `info` | log `info` and above |',
      "| `--burst <count>` | `VGPU_BURST` | one second's worth | requests at once |",
      '| `--once` | `VGPU_ONCE` |  | process all, then exit |',
    ]);
    const { once, burst } = OPTIONS;
    const known = {
      once: { ...once, isReloadable: false },
      burst: { ...burst, isReloadable: true },
    };
    expect(optionTable(known).split('\n').slice(2)).toEqual([
      '| `--once` | `VGPU_ONCE` |  | no | process all, then exit |',
      "| `--burst <count>` | `VGPU_BURST` | one second's worth | yes | requests at once |",
    ]);
  });

  it.each([
    [['--root', 'a', '--root', 'b'], 'root'],
    [['--root=a', 'serve', '--root=b'], 'root'],
    [['--root', 'a', '--http=x', '--http', 'y'], 'http'],
    [['--root', 'a', '--roots', 'b'], undefined],
    [['--config=--root', '--root', 'a'], undefined],
    [['--root', 'a', '--', '--root', 'b'], undefined],
    [['--once', '--once'], undefined],
    [[], undefined],
  ])('in %j, %s is repeated', (argv, expected) => {
    expect(repeatedOption(argv, (name) => name !== 'once')).toBe(expected);
  });
});

describe('exit statuses', () => {
  const STATUSES: ExitStatus<'add' | 'list'>[] = [
    { status: 0, meaning: 'success' },
    { status: 65, meaning: 'the VM is registered', commands: ['add'] },
    { status: 65, meaning: 'the VM is unknown', commands: ['add', 'list'] },
    { status: '130, 143', meaning: 'ended by a signal, as `kill` does' },
  ];

  it('of a command are one text', () => {
    expect(exitStatusText(STATUSES, 'add')).toBe(
      'Exit status: 0 success; 65 the VM is registered, or the VM is unknown; ' +
        '130, 143 ended by a signal, as kill does.',
    );
    expect(exitStatusText(STATUSES, 'list')).toContain('; 65 the VM is unknown; ');
  });

  it('of a program are a table of Markdown', () => {
    expect(exitStatusTable(STATUSES).split('\n').slice(2)).toEqual([
      '| 0 | success |',
      '| 65 | `add`: the VM is registered; `add`, `list`: the VM is unknown |',
      '| 130, 143 | ended by a signal, as `kill` does |',
    ]);
  });
});

describe('a table', () => {
  it('has aligned columns; styles take no room', () => {
    expect(
      textTable(
        [['NAME'], ['COUNT', 'right'], ['STATE']],
        [
          ['a', '1', '\x1b[31mbad\x1b[39m'],
          ['longer', '1000'],
          ['x', '20', 'ok'],
        ],
      ),
    ).toEqual([
      'NAME    COUNT  STATE',
      'a           1  \x1b[31mbad\x1b[39m',
      'longer   1000',
      'x          20  ok',
    ]);
  });
});

describe('the completed word', () => {
  it.each([
    [[], { before: [], current: '', prefix: '' }],
    [['vm', 'a'], { before: ['vm'], current: 'a', prefix: '' }],
    [['--pool=A'], { before: ['--pool'], current: 'A', prefix: '--pool=' }],
    [['--pool', '=', 'A'], { before: ['--pool'], current: 'A', prefix: '' }],
    [['--pool', '='], { before: ['--pool'], current: '', prefix: '' }],
  ])('of %j is %j', (words, expected) => {
    expect(completedWord(words)).toEqual(expected);
  });
});
