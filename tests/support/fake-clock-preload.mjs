/**
 * FakeClock: shifts a process's wall clock by as many milliseconds as a file says, now. Loaded before
 * the program (`node --import`). It stands in for setting the clock, which would disturb everything
 * else on the machine. The program's only wall clock is Date.now; the monotonic one, and the times
 * with which the kernel stamps files, stay as they are: a clock that was an hour ahead and is right
 * again has, for the program, been set back.
 */
import { readFileSync } from 'node:fs';

const file = process.env['FAKE_CLOCK'] ?? '';
const now = Date.now.bind(Date);

Date.now = () => now() + Number(readFileSync(file, 'utf8'));
