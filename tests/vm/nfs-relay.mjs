// QEMU starts one of these for each connection that a guest makes to its NFS server, with the
// connection as standard input and output. It gives each VM an address of its own on the loopback,
// so that the server can tell the VMs apart as it would on a network.
import { connect } from 'node:net';

const [localAddress = '', port = ''] = process.argv.slice(2);
const server = connect({ host: '127.0.0.1', port: Number(port), localAddress, noDelay: true });
const end = () => process.exit(0);
for (const stream of [server, process.stdin, process.stdout]) stream.on('error', end);
// Whichever side closes first: half a connection is of no use to NFS.
server.on('close', end);
process.stdin.on('close', end).on('end', end);
process.stdin.pipe(server);
server.pipe(process.stdout);
