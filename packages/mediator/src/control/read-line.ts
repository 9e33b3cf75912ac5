import type { Socket } from 'node:net';

/**
 * Reads the first line from a socket.
 *
 * @throws Error if the socket ends or fails first, or the line exceeds the limit of size or time.
 */
export function readLine(socket: Socket, maxBytes: number, limitMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    const settle = (act: () => void) => {
      clearTimeout(timer);
      socket.off('data', onData).off('end', onEnd).off('error', onError);
      act();
    };
    const fail = (reason: Error) => {
      settle(() => {
        reject(reason);
      });
    };
    const onData = (part: Buffer) => {
      const end = part.indexOf(0x0a);
      const rest = end === -1 ? part : part.subarray(0, end);
      bytes += rest.length;
      parts.push(rest);
      if (bytes > maxBytes) fail(new Error(`the other side sent more than ${maxBytes} bytes`));
      else if (end !== -1) {
        settle(() => {
          resolve(Buffer.concat(parts).toString('utf8'));
        });
      }
    };
    const onEnd = () => {
      fail(new Error('the other side closed the connection'));
    };
    const onError = fail;
    const timer = setTimeout(() => {
      fail(new Error(`the other side sent nothing for ${limitMs} ms`));
    }, limitMs);
    timer.unref();
    socket.on('data', onData).on('end', onEnd).on('error', onError);
  });
}
