// Preloaded into a mediator: at SIGUSR2 it runs a script of the test.
import process from 'node:process';

process.on('SIGUSR2', () => void import(process.env['TEST_ON_SIGUSR2'] ?? ''));
