// Runs in a guest: does what the host asks for. Over the serial port come lines of JSON with a shell
// command each; for each goes back a line `VGPU <json>` when the command has ended. Commands run at
// the same time. What is run, and what it prints, is shown on the console too.
import { spawn } from 'node:child_process';
import { openSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

const consoleFile = openSync('/dev/console', 'w');

/** @param {Record<string, unknown>} message */
function tellHost(message) {
  process.stdout.write(`VGPU ${JSON.stringify(message)}\n`);
}

/** @param {{ id: number, command: string }} request */
function run({ id, command }) {
  const start = performance.now();
  const child = spawn('/bin/sh', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (/** @type {string} */ text) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => (stderr += text));
  child.on('close', (status) => {
    // In one piece, so that commands that run at the same time do not mix.
    writeSync(consoleFile, `# ${command}\n${stdout}${stderr}`);
    tellHost({ id, status, stdout, stderr, ms: Math.round(performance.now() - start) });
  });
}

createInterface({ input: process.stdin }).on('line', (line) => {
  if (line.startsWith('{')) run(parse(line));
});

/** @returns {{ id: number, command: string }} */
function parse(/** @type {string} */ json) {
  return JSON.parse(json);
}

tellHost({ ready: true });
