// SPDX-License-Identifier: Apache-2.0
// A stand-in for the part of Dropbox's API that deliveries use, by its documentation: dropbox.js FOLDER LOG. Files go
// to FOLDER/store. FOLDER/fault: "slow", "busy" (one 429), "expired" (one not_found), "full", "drop" (one connection).
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');

const [, , folder, log] = process.argv;
const sessions = new Map();
const files = new Map();
let next = 1;
const sha = (data) => crypto.createHash('sha256').update(data).digest();
const hash = (data) => {
  const blocks = [];
  for (let at = 0; at < data.length; at += 4 << 20) blocks.push(sha(data.subarray(at, at + (4 << 20))));
  return sha(Buffer.concat(blocks)).toString('hex');
};
function fault() {
  try {
    return fs.readFileSync(folder + '/fault', 'utf8').trim();
  } catch {
    return '';
  }
}
const mended = () => fs.unlinkSync(folder + '/fault');

function handle(req, body) {
  const conflict = (tag, extra) => [409, { error_summary: tag + '/..', error: { '.tag': tag.split('/')[0], ...extra } }];
  if (req.url === '/oauth2/token') {
    const basic = 'Basic ' + Buffer.from('key:app secret').toString('base64');
    const form = new URLSearchParams(body.toString());
    if (req.headers.authorization !== basic || form.get('refresh_token') !== 'refresh secret') return [400, { error: 'invalid_grant' }];
    return [200, { access_token: 'short-lived-secret', expires_in: 14400, token_type: 'bearer' }];
  }
  if (req.headers.authorization !== 'Bearer short-lived-secret') return [401, { error_summary: 'invalid_access_token/' }];
  if (fault() === 'busy') return mended(), [429, { error_summary: 'too_many_requests/' }, { 'Retry-After': '1' }];
  const name = req.url.replace('/2/files/', '');
  const args = JSON.parse(req.headers['dropbox-api-arg'] || body.toString() || '{}');
  if (name === 'upload_session/start') {
    const id = 'session' + next++;
    sessions.set(id, body);
    return [200, { session_id: id }];
  }
  if (name === 'upload_session/append_v2' || name === 'upload_session/finish') {
    const { session_id: id, offset } = args.cursor;
    const finish = name.endsWith('finish');
    if (fault() === 'expired') mended(), sessions.delete(id);
    if (!sessions.has(id)) return conflict(finish ? 'lookup_failed/not_found' : 'not_found');
    if (fault() === 'full' && finish) return conflict('path/insufficient_space');
    const data = sessions.get(id);
    if (data.length !== offset) {
      const wrong = { '.tag': 'incorrect_offset', correct_offset: data.length };
      return finish ? conflict('lookup_failed/incorrect_offset', { lookup_failed: wrong }) : conflict('incorrect_offset', wrong);
    }
    sessions.set(id, Buffer.concat([data, body]));
    if (!finish) return [200, null];
    files.set(args.commit.path, sessions.get(id));
    sessions.delete(id);
    fs.mkdirSync(folder + '/store' + args.commit.path.replace(/\/[^/]*$/, ''), { recursive: true });
    fs.writeFileSync(folder + '/store' + args.commit.path, files.get(args.commit.path));
  }
  const path = args.commit ? args.commit.path : args.path;
  if (!files.has(path)) return conflict('path/not_found');
  const found = { name: path.replace(/.*\//, ''), size: files.get(path).length, content_hash: hash(files.get(path)) };
  if (name === 'delete_v2') fs.unlinkSync(folder + '/store' + path), files.delete(path);
  return [200, found];
}

http.createServer((req, res) => {
  const chunks = [];
  req.on('data', (chunk) => {
    chunks.push(chunk);
    if (/append/.test(req.url) && fault() === 'drop') mended(), req.socket.destroy();
  });
  req.on('end', () => {
    fs.appendFileSync(log, `${req.method} ${req.url} ${req.headers['dropbox-api-arg'] || ''}\n`);
    const [status, answer, headers] = handle(req, Buffer.concat(chunks));
    const reply = () => {
      res.writeHead(status, { 'Content-Type': 'application/json', ...headers });
      res.end(JSON.stringify(answer));
    };
    setTimeout(reply, fault() === 'slow' && /append/.test(req.url) ? 500 : 0);
  });
}).listen(0, '127.0.0.1', function () {
  console.log('port ' + this.address().port);
});
