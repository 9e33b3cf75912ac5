import winston from 'winston';
import { LossyStream } from './lossy-stream.js';
import type { Options } from './options.js';

const { combine, printf, timestamp, json } = winston.format;

/** One line for people: `12:00:00.000 info  message key=value ...`. */
const pretty = combine(
  timestamp({ format: () => new Date().toISOString().slice(11, 23) }),
  printf(({ timestamp: time, level, message, ...fields }) => {
    const shown = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(
        ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
      );
    return `${String(time)} ${level.padEnd(5)} ${String(message)}${shown.join('')}`;
  }),
);

/** A winston logger that writes to stderr: stdout is for data. */
export function createLogger(options: Options): winston.Logger {
  const stream = new LossyStream(process.stderr, (lines) => {
    logger.warn('lines of this log were dropped, because its reader did not keep up', { lines });
  });
  const logger = winston.createLogger({
    level: options['log-level'],
    format: options['log-format'] === 'json' ? combine(timestamp(), json()) : pretty,
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston's types know its transports by their interfaces only
    transports: [new winston.transports.Stream({ stream })],
  });
  return logger;
}
