import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from './processes.js';

/** Node has no datagram sockets of the Unix domain. Prints what each datagram holds, as JSON. */
const RECEIVER = `
import json, socket, sys
path = sys.argv[1]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind('\\0' + path[1:] if path[0] == '@' else path)
print(json.dumps('listening'), flush=True)
while True:
    print(json.dumps(receiver.recv(4096).decode()), flush=True)
`;

/** A service manager, as far as it listens to what its service tells (sd_notify(3)). */
export class NotifySocket {
  readonly path: string;
  /** The datagrams so far. */
  readonly told: string[] = [];
  readonly #child: ChildProcess;

  private constructor(path: string) {
    this.path = path;
    this.#child = spawn('python3', ['-c', RECEIVER, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (this.#child.stdout === null) throw new Error('stdout is a pipe');
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.told.push(JSON.parse(line) as string);
    });
  }

  /** @param path Of a socket that is not there yet; with `@` before it, an abstract name. */
  static async at(path: string): Promise<NotifySocket> {
    const socket = new NotifySocket(path);
    await socket.until('listening');
    socket.told.length = 0;
    return socket;
  }

  /** The datagrams that begin with a text. */
  those(begin: string): string[] {
    return this.told.filter((text) => text.startsWith(begin));
  }

  /** Waits until this many datagrams that begin with a text have come. */
  async until(begin: string, count = 1): Promise<void> {
    await until(
      () => this.those(begin).length >= count,
      () => `${count} times ${begin} in ${JSON.stringify(this.told.slice(-5))}`,
    );
  }

  /** The number of datagrams that begin with a text within this many milliseconds. */
  async countFor(ms: number, begin: string): Promise<number> {
    const before = this.those(begin).length;
    await sleep(ms);
    return this.those(begin).length - before;
  }

  async close(): Promise<void> {
    this.#child.kill();
    await once(this.#child, 'close');
  }
}
