// SPDX-License-Identifier: Apache-2.0
// A stand-in for the part of Google Drive's API that deliveries use, by its documentation: drive.js FOLDER PUBLIC-KEY [LOG].
// FOLDER/fault: "busy" (one 429), "full", "expired" (one 404 of a session), "error" (one 503 in the middle of a piece), "drop" (one
// connection that breaks behind a piece that was kept), "short" (one piece kept in part), "slow" (every piece takes a while).
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');

const [, , folder, key, log] = process.argv;
const KIB256 = 256 * 1024;
const files = new Map();
const sessions = new Map();
let next = 1;
// The test may take it away at any moment.
function fault() {
  try {
    return fs.readFileSync(folder + '/fault', 'utf8').trim();
  } catch {
    return '';
  }
}
const mended = () => fs.rmSync(folder + '/fault', { force: true });

function token(body) {
  const [head, claims, signature] = new URLSearchParams(body.toString()).get('assertion').split('.');
  const good = crypto.verify('sha256', Buffer.from(`${head}.${claims}`), fs.readFileSync(key), Buffer.from(signature, 'base64url'));
  const said = JSON.parse(Buffer.from(claims, 'base64url'));
  if (!good || said.iss !== 'lab@example.org' || said.exp - said.iat !== 3600) return [400, { error: 'invalid_grant' }];
  return [200, { access_token: 'drive-token-secret', expires_in: 3599 }];
}

// How much of it there is: 308 and the range, without one when there is nothing.
const more = (session) => [308, '', session.have ? { Range: `bytes=0-${session.have - 1}` } : {}];

// A piece "bytes a-b/N", or the question "bytes */N".
function piece(id, req, body) {
  if (fault() === 'expired') mended(), sessions.delete(id);
  const session = sessions.get(id);
  if (!session) return [404, { error: { code: 404 } }];
  const asked = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+)$/.exec(req.headers['content-range'] || '');
  if (!asked) return [400, { error: { code: 400, message: 'no Content-Range' } }];
  const [from, to, size] = asked.slice(1).map(Number);
  if (asked[1] === undefined) return session.done ? [200, { id: session.file.id }] : more(session);
  if (session.done || from !== session.have || to - from + 1 !== body.length) return [400, { error: { code: 400, message: 'another place' } }];
  if (to + 1 < size && body.length % KIB256) return [400, { error: { code: 400, message: 'no multiple of 256 KiB' } }];
  const what = fault();
  if (what === 'error') return mended(), [503, { error: { code: 503 } }];
  const kept = what === 'short' ? body.subarray(0, KIB256) : body;
  if (what === 'short') mended();
  session.parts.push(kept);
  session.have += kept.length;
  if (session.have === size) {
    session.done = true;
    session.file.data = Buffer.concat(session.parts);
    files.set(session.file.id, session.file);
    fs.writeFileSync(`${folder}/${session.file.name}`, session.file.data);
  }
  if (what === 'drop') return mended(), null;
  return session.done ? [200, { id: session.file.id }] : more(session);
}

function handle(req, body, port) {
  const url = new URL(req.url, 'http://x');
  if (url.pathname === '/token') return token(body);
  const session = url.searchParams.get('upload_id');
  if (!session && req.headers.authorization !== 'Bearer drive-token-secret') return [401, { error: { code: 401 } }];
  if (fault() === 'busy') return mended(), [429, { error: { errors: [{ reason: 'userRateLimitExceeded' }] } }, { 'Retry-After': '1' }];
  if (session) return piece(session, req, body);
  if (url.searchParams.get('uploadType') === 'resumable') {
    if (fault() === 'full') return [403, { error: { errors: [{ reason: 'storageQuotaExceeded' }] } }];
    const id = url.pathname.split('/')[5];
    sessions.set('session-secret-' + next, { file: id ? files.get(id) : { id: 'f' + next, ...JSON.parse(body) }, parts: [], have: 0, done: false });
    return [200, {}, { Location: `http://127.0.0.1:${port}/upload?upload_id=session-secret-${next++}` }];
  }
  if (req.method === 'DELETE') {
    const id = url.pathname.split('/')[4];
    fs.unlinkSync(`${folder}/${files.get(id).name}`);
    return files.delete(id), [204, ''];
  }
  const [, name, parent] = /^name='(.*)' and '(.*)' in parents and trashed=false$/.exec(url.searchParams.get('q'));
  return [200, {
    files: [...files.values()].filter((file) => file.name === name && file.parents.includes(parent)).map((file) => ({
      id: file.id, size: String(file.data.length), md5Checksum: crypto.createHash('md5').update(file.data).digest('hex'),
    })),
  }];
}

const server = http.createServer((req, res) => {
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', () => {
    const range = req.headers['content-range'] || '';
    const answer = handle(req, Buffer.concat(chunks), server.address().port);
    if (log) fs.appendFileSync(log, `${req.method} ${new URL(req.url, 'http://x').pathname} ${range} ${answer ? answer[0] : 'broken off'}\n`);
    if (!answer) return req.socket.destroy();
    const [status, said, headers] = answer;
    const send = () => {
      res.writeHead(status, { 'Content-Type': 'application/json', ...headers });
      res.end(said === '' ? '' : JSON.stringify(said));
    };
    return fault() === 'slow' && range.includes('-') ? setTimeout(send, 300) : send();
  });
});
server.listen(0, '127.0.0.1', () => console.log('port ' + server.address().port));
