// SPDX-License-Identifier: Apache-2.0
// node streams.js URL METHOD... : the methods as streams of one HTTP/2 connection, one after the other, then all at
// once. Prints what became of each: its status, or "reset".
'use strict';
const http2 = require('http2');

const [url, ...methods] = process.argv.slice(2);
const session = http2.connect(url);
session.on('error', (error) => console.log(`connection: ${error.message}`));

function send(method) {
    return new Promise((resolve) => {
        const empty = method === 'OPTIONS';
        const stream = session.request({ ':method': method, ':path': '/data/add-bundle.json',
            'content-type': 'application/json' }, { endStream: empty });
        let status = 'reset';
        stream.on('response', (headers) => { status = headers[':status']; });
        stream.on('error', () => {});
        stream.on('close', () => resolve(`${method} ${status}`));
        stream.resume();
        if (!empty)
            stream.end('[]');
    });
}

(async () => {
    for (const method of methods)
        console.log(await send(method));
    console.log((await Promise.all(methods.map(send))).join(', '));
    session.close();
})();
