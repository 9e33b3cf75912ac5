import { escapeControls } from '@vgpu/protocol';
import winston from 'winston';
import { type LineTarget, LossyStream } from './lossy-stream.js';
import type { Options } from './options.js';

/** The key under which winston's transports expect the line (triple-beam's `MESSAGE`). */
const LINE = Symbol.for('message');

/**
 * Formats a line with one function, which takes half the time of winston's own formats. Escapes
 * control characters, since any field may contain text of guests.
 */
const formatted = (lineOf: (time: string, info: winston.Logform.TransformableInfo) => string) =>
  winston.format((info) => {
    info[LINE] = escapeControls(lineOf(new Date().toISOString(), info));
    return info;
  })();

/** One line for people: `12:00:00.000 info  message key=value ...`. */
const pretty = formatted((time, info) => {
  let line = `${time.slice(11, 23)} ${info.level.padEnd(5)} ${String(info.message)}`;
  for (const key of Object.keys(info)) {
    const value = info[key];
    if (key === 'level' || key === 'message' || value === undefined) continue;
    line += ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`;
  }
  return line;
});

/** One JSON object. */
const json = formatted((timestamp, info) => JSON.stringify({ ...info, timestamp }));

/** A winston logger whose lines go to `target`. */
export function createLogger(options: Options, target: LineTarget): winston.Logger {
  const stream = new LossyStream(target, (lines) => {
    logger.warn('lines of this log were dropped, because they could not be written', { lines });
  });
  const logger = winston.createLogger({
    level: options['log-level'],
    format: options['log-format'] === 'json' ? json : pretty,
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston's types know its transports by their interfaces only
    transports: [new winston.transports.Stream({ stream })],
  });
  return logger;
}
