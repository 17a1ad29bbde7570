// SPDX-License-Identifier: Apache-2.0
// A mail server: smtp.js MODE FOLDER LOG. Modes: plain, starttls, implicit; the latter two want user "lab" and password
// "mail secret". FOLDER has key.pem and cert.pem, and LOG gets one JSON text a mail. "refused@..." is refused for good,
// "later@..." for now. Prints its port.
'use strict';
const fs = require('fs');
const { SMTPServer } = require('smtp-server');

const [, , mode, folder, log] = process.argv;
const tls = mode !== 'plain';
const server = new SMTPServer({
  secure: mode === 'implicit',
  authOptional: !tls,
  disabledCommands: tls ? [] : ['STARTTLS', 'AUTH'],
  key: tls ? fs.readFileSync(folder + '/key.pem') : undefined,
  cert: tls ? fs.readFileSync(folder + '/cert.pem') : undefined,
  disableReverseLookup: true,
  logger: false,
  onAuth(auth, session, done) {
    const good = auth.username === 'lab' && auth.password === 'mail secret';
    done(good ? null : new Error('Invalid username or password'), good ? { user: 'lab' } : undefined);
  },
  onRcptTo(address, session, done) {
    if (address.address.startsWith('refused@')) return done(Object.assign(new Error('no such user'), { responseCode: 550 }));
    if (address.address.startsWith('later@')) return done(Object.assign(new Error('come again'), { responseCode: 451 }));
    done();
  },
  onData(stream, session, done) {
    const chunks = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    stream.on('end', () => {
      const { mailFrom, rcptTo } = session.envelope;
      fs.appendFileSync(log, JSON.stringify({
        from: mailFrom.address, to: rcptTo.map((one) => one.address), secure: session.secure, user: session.user || null,
        text: Buffer.concat(chunks).toString('latin1'),
      }) + '\n');
      done();
    });
  },
});
server.on('error', () => {});
server.listen(0, '127.0.0.1', () => console.log('port ' + server.server.address().port));
