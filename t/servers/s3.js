// SPDX-License-Identifier: Apache-2.0
// s3rver behind a check of signatures (of version 4 it checks little) and a log of requests:
// s3.js DIRECTORY LOG BUCKET. Prints its port.
// A file DIRECTORY/fault names what to do to the next PUT of a part: "drop" its connection, or "slow" all of them.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const { Readable } = require('stream');
const S3rver = require('s3rver');

const [, , directory, log, bucket] = process.argv;
const store = directory + '/store';
fs.mkdirSync(store, { recursive: true });
const secret = 'S3RVER';

// RFC 3986, as the signature wants names and values.
const escape = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => '%' + c.charCodeAt(0).toString(16).toUpperCase());
const hmac = (key, text) => crypto.createHmac('sha256', key).update(text).digest();
const hash = (data) => crypto.createHash('sha256').update(data).digest('hex');

// Written from Amazon's description of the signing process, not from a client.
function signed(req, body) {
  const auth = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/
    .exec(req.headers.authorization || '');
  if (!auth) return false;
  const [, , day, region, names, signature] = auth;
  const [path, query] = req.url.split('?');
  const list = names.split(';');
  if (!list.includes('host') || !list.includes('x-amz-date')) return false;
  if (req.headers['x-amz-content-sha256'] !== hash(body)) return false;
  const canonical = [
    req.method,
    path.split('/').map((part) => escape(decodeURIComponent(part))).join('/'),
    (query || '').split('&').filter(Boolean)
      .map((pair) => pair.split('='))
      .map(([name, value]) => escape(decodeURIComponent(name)) + '=' + escape(decodeURIComponent(value || '')))
      .sort().join('&'),
    ...list.map((name) => name + ':' + (req.headers[name] || '').trim().replace(/ +/g, ' ')),
    '',
    names,
    hash(body),
  ].join('\n');
  const text = ['AWS4-HMAC-SHA256', req.headers['x-amz-date'], `${day}/${region}/s3/aws4_request`, hash(canonical)].join('\n');
  const key = hmac(hmac(hmac(hmac('AWS4' + secret, day), region), 's3'), 'aws4_request');
  return hmac(key, text).toString('hex') === signature;
}

function refuse(res, status, code, headers) {
  res.writeHead(status, { 'Content-Type': 'application/xml', ...headers });
  res.end(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`);
}

const s3 = new S3rver({ directory: store, silent: true, configureBuckets: [{ name: bucket }] });
s3.configureBuckets().then(() => {
  const answer = s3.callback();
  const server = http.createServer((req, res) => {
    let fault = '';
    try {
      fault = fs.readFileSync(directory + '/fault', 'utf8').trim();
    } catch {
      // none
    }
    fs.appendFileSync(log, `${req.method} ${req.url}\n`);
    if (req.method === 'PUT' && fault === 'drop') {
      fs.unlinkSync(directory + '/fault');
      req.once('data', () => req.socket.destroy());
      return;
    }
    const chunks = [];
    req.on('data', (chunk) => chunks.push(chunk));
    req.on('end', () => {
      const body = Buffer.concat(chunks);
      if (req.headers.authorization && !signed(req, body)) return refuse(res, 403, 'SignatureDoesNotMatch');
      if (/uploadId=forgotten/.test(req.url)) return refuse(res, 404, 'NoSuchUpload');
      if (req.method === 'PUT' && fault === 'full') return refuse(res, 507, 'XMinioStorageFull');
      if (fault === 'busy') {
        fs.unlinkSync(directory + '/fault');
        return refuse(res, 503, 'SlowDown', { 'Retry-After': '1' });
      }
      // The body once more, for s3rver.
      const again = Object.assign(Readable.from(body.length ? [body] : []), {
        method: req.method, url: req.url, headers: req.headers, rawHeaders: req.rawHeaders, socket: req.socket,
        httpVersion: req.httpVersion,
      });
      setTimeout(() => answer(again, res), req.method === 'PUT' && fault === 'slow' ? 500 : 0);
    });
  });
  server.listen(0, '127.0.0.1', () => console.log('port ' + server.address().port));
});
