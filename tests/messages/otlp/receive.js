// Takes logs of OTLP over HTTP by Elastic's receiver and writes each record as a line of JSON.
// Usage: receive.js PORT FILE    (0: a free port; the first line on standard output is the receiver's address)
const fs = require('fs');
const {MockOtlpServer, normalizeLogs} = require('@elastic/mockotlpserver');

const server = new MockOtlpServer({
    logLevel: 'warn',
    services: ['http'],
    httpHostname: '127.0.0.1',
    httpPort: Number(process.argv[2]),
    onLogs: (logs) => {
        for (const {resource, scopeLogs} of normalizeLogs(logs).resourceLogs) {
            for (const record of scopeLogs.flatMap((scope) => scope.logRecords))
                fs.appendFileSync(process.argv[3], JSON.stringify({resource, record}) + '\n');
        }
    },
});
server.start().then(() => console.log(String(server.httpUrl)));
