// SPDX-License-Identifier: Apache-2.0
// A stand-in for the part of Google Drive's API that deliveries use, by its documentation: drive.js FOLDER PUBLIC-KEY.
// FOLDER/fault: "busy" (one 429), "full", "expired" (one 404 of a session).
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');

const [, , folder, key] = process.argv;
const files = new Map();
const sessions = new Map();
let next = 1;
const fault = () => (fs.existsSync(folder + '/fault') ? fs.readFileSync(folder + '/fault', 'utf8').trim() : '');
const mended = () => fs.unlinkSync(folder + '/fault');

function handle(req, body, port) {
  const url = new URL(req.url, 'http://x');
  if (url.pathname === '/token') {
    const [head, claims, signature] = new URLSearchParams(body.toString()).get('assertion').split('.');
    const good = crypto.verify('sha256', Buffer.from(`${head}.${claims}`), fs.readFileSync(key), Buffer.from(signature, 'base64url'));
    const said = JSON.parse(Buffer.from(claims, 'base64url'));
    if (!good || said.iss !== 'lab@example.org' || said.exp - said.iat !== 3600) return [400, { error: 'invalid_grant' }];
    return [200, { access_token: 'drive-token-secret', expires_in: 3599 }];
  }
  const session = url.searchParams.get('upload_id');
  if (!session && req.headers.authorization !== 'Bearer drive-token-secret') return [401, { error: { code: 401 } }];
  if (fault() === 'busy') return mended(), [429, { error: { errors: [{ reason: 'userRateLimitExceeded' }] } }, { 'Retry-After': '1' }];
  if (session) {
    if (fault() === 'expired') mended(), sessions.delete(session);
    if (!sessions.has(session)) return [404, { error: { code: 404 } }];
    const file = sessions.get(session);
    Object.assign(file, { data: body });
    files.set(file.id, file);
    fs.writeFileSync(`${folder}/${file.name}`, body);
    return [200, { id: file.id }];
  }
  if (url.searchParams.get('uploadType') === 'resumable') {
    if (fault() === 'full') return [403, { error: { errors: [{ reason: 'storageQuotaExceeded' }] } }];
    const id = url.pathname.split('/')[5];
    sessions.set('s' + next, id ? files.get(id) : { id: 'f' + next, ...JSON.parse(body) });
    return [200, {}, { Location: `http://127.0.0.1:${port}/upload?upload_id=s${next++}` }];
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
    const [status, answer, headers] = handle(req, Buffer.concat(chunks), server.address().port);
    res.writeHead(status, { 'Content-Type': 'application/json', ...headers });
    res.end(status === 204 ? '' : JSON.stringify(answer));
  });
});
server.listen(0, '127.0.0.1', () => console.log('port ' + server.address().port));
