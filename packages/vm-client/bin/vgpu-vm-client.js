#!/usr/bin/env node
// In words that every Node understands, so that one that is too old says so.
(function () {
  var numbers = process.versions.node.split('.');
  var major = Number(numbers[0]);
  if (major < 20 || (major === 20 && Number(numbers[1]) < 19)) {
    process.stderr.write(
      'vgpu-vm-client: expected Node 20.19 or later, got ' +
        process.versions.node +
        ' (' +
        process.execPath +
        ')\n',
    );
    process.exitCode = 69;
    return;
  }
  // Loading takes a while, in which SIGHUP would end the process and SIGUSR1 start Node's debugger.
  /** @type {{ SIGHUP?: true, SIGUSR1?: true }} */
  var heard = {};
  process.on('SIGHUP', function () {
    heard.SIGHUP = true;
  });
  process.on('SIGUSR1', function () {
    heard.SIGUSR1 = true;
  });
  import('../dist/bin.js').then(
    function (program) {
      return program.main(heard);
    },
    function (/** @type {unknown} */ reason) {
      var error = /** @type {NodeJS.ErrnoException} */ (reason);
      if (error.code !== 'EMFILE' && error.code !== 'ENFILE') throw error;
      process.stderr.write(
        'vgpu-vm-client: cannot start: ' +
          error.message +
          '; raise the limit of open files (ulimit -n)\n',
      );
      process.exitCode = 73;
    },
  );
})();
