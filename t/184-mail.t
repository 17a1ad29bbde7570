#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The outbox and a real mail server: TLS both ways, signing in, words beyond ASCII, what is refused, and no server at all.
use strict;
use warnings;
use Encode qw(decode encode);
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(decode_base64);
use Test::More;
use WmTest;
use WmTest::Deliver;
use WmTest::Postgres;
use WmTest::Server;

WmTest::Server->need('smtp-server');
my $openssl = need_program('openssl', 'openssl');
my $pg  = WmTest::Postgres->start;
my $dir = workdir() . '/tls';
my $log = workdir() . '/mails';
environment();
mkdir $dir or die;
my $made = run($openssl, 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
    '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', "$dir/key.pem", '-out', "$dir/cert.pem");
die $made->{err} if $made->{code};
secret('smtp', '{"user": "lab", "password": "mail secret"}', 'mail secret');
secret('smtp-wrong', '{"user": "lab", "password": "no such secret"}', 'no such secret');

my $whats = 0;
sub add
{
    my ($to, $subject, $body) = @_;
    return $pg->scalar('insert into mail (to_address, subject, body, what) values ($1, $2, $3, $4) returning id', $to, $subject,
        $body, 'test ' . ++$whats);
}
sub row { return from_json($pg->scalar('select to_jsonb(m) from mail m where id = $1', $_[0])) }

# Run the job with an environment of its own.
sub send_mail
{
    my (%env) = @_;
    my $done = webmunkd({ env => { %{ environment() }, WEBMUNK_MAIL_FROM => 'webmunk@example.org', %env } }, $pg, 'run', '--once', 'mail');
    unlike($done->{out} . $done->{err}, qr/secret"|mail secret|no such secret/, 'no secret is said') if $done->{code};
    return $done;
}
sub received { return -e $log ? map { from_json($_) } split /\n/, slurp($log) : () }

# No server.
my $id = add('a@example.org', 'x', 'y');
my $done = send_mail();
is($done->{code}, 0, 'no mail server is no error');
is(row($id)->{state}, 'unsent', '... the mail is unsent');
like(row($id)->{error}, qr/no mail server is configured: set smtp_url in \[mail\] of webmunkd\.conf \(or WEBMUNK_SMTP_URL\)/, '... and says why');

# A plain one on this host.
my $plain = WmTest::Server->start('smtp.js', 'plain', $dir, $log);
my %plain = (WEBMUNK_SMTP_URL => 'smtp://127.0.0.1:' . $plain->port);
$id = add('a@example.org, b@example.org', 'An archive is ready', "Hello\n.\n.dots\nlast");
$done = send_mail(%plain);
is($done->{code}, 0, 'a mail is sent') or diag($done->{err});
is(row($id)->{state}, 'sent', '... and the row says so');
my ($mail) = received();
is($mail->{from}, 'webmunk@example.org', 'it comes from whom it should');
is_deeply($mail->{to}, [ 'a@example.org', 'b@example.org' ], '... and goes to all');
my ($head, $body) = split /\r\n\r\n/, $mail->{text}, 2;
is($body, "Hello\r\n.\r\n.dots\r\nlast\r\n", '... with its lines, dots and all');
like($head, qr/^Subject: An archive is ready\r$/m, '... and its subject');
like($head, qr/^To: a\@example\.org,\r\n b\@example\.org\r$/m, '... and whom it is to');
like($head, qr/^Date: \w{3}, \d{2} \w{3} \d{4} \d\d:\d\d:\d\d \+0000\r$/m, '... and a date');
like($head, qr/^Message-ID: <webmunk-$id-\d+\@example\.org>\r$/m, '... and an id');
like($head, qr/^Auto-Submitted: auto-generated\r$/m, '... and that a machine sent it');
unlike($mail->{text}, qr/(?<!\r)\n/, '... and every line ends as it must');

# Beyond ASCII, and attempts to add a header.
my $words = decode('UTF-8', "Gr\x{c3}\x{bc}\x{c3}\x{9f}e aus K\x{c3}\x{b6}ln \x{e2}\x{80}\x{94} ") x 5;
$id = add('a@example.org', "$words\r\nBcc: thief\@example.org\nX: y", "$words\n" . 'long ' x 400);
is(send_mail(%plain)->{code}, 0, 'a mail in other letters is sent') or diag(row($id)->{error});
$mail = (received())[-1];
($head, $body) = split /\r\n\r\n/, $mail->{text}, 2;
unlike($head, qr/^(?:Bcc|X):/m, 'a subject adds no header');
is_deeply($mail->{to}, ['a@example.org'], '... and nobody else gets it');
unlike($head, qr/[^\x00-\x7f]/, 'headers are ASCII');
is((grep { length > 998 } split /\r\n/, $mail->{text}), 0, '... and no line is too long');
my ($subject) = $head =~ /^Subject: ((?:.+\r\n )*.+)\r$/m;
is((grep { length > 75 } split /\r\n /, $subject), 0, '... nor any encoded word');
my $decoded = join '', map { /^=\?UTF-8\?B\?(.*)\?=$/ ? decode('UTF-8', decode_base64($1), Encode::FB_CROAK) : "?$_" } split /\r\n /, $subject;
is($decoded, "$words  Bcc: thief\@example.org X: y", 'the subject is whole, and no character is cut in two');
is(decode('UTF-8', decode_base64($body)), "$words\n" . 'long ' x 400, 'and so is the body');

# Whom it cannot reach.
my $bad = add("a\@example.org\r\nRCPT TO:<thief\@example.org>", 'x', 'y');
my $refused = add('refused@example.org', 'x', 'y');
my $later = add('later@example.org', 'x', 'y');
send_mail(%plain);
is(row($bad)->{state}, 'failed', 'an address that is none fails');
is(row($refused)->{state}, 'failed', 'a mail that is refused for good fails');
like(row($refused)->{error}, qr/refused the mail \(550\)/, '... in words');
is(row($later)->{state}, 'waiting', 'one that is refused for now waits');
is($pg->scalar('select run_after > now() + interval \'30 seconds\' from mail where id = $1', $later), 't', '... a while');
$pg->do("delete from mail where id = $later");
my $admins = add('', 'x', 'y');
send_mail(%plain);
like(row($admins)->{error}, qr/set admins in \[mail\]/, 'mail to the administrators wants to know them');
$admins = add('', 'x', 'y');
is(send_mail(%plain, WEBMUNK_MAIL_ADMINS => 'c@example.org')->{code}, 0, '... and goes to them');
is_deeply((received())[-1]{to}, ['c@example.org'], '... alone');

# A server that is away.
$plain->stop;
$id = add('a@example.org', 'x', 'y');
isnt(send_mail(%plain)->{code}, 0, 'a server that is away: the job is tried again');
is(row($id)->{state}, 'waiting', '... and the mail waits');
like(row($id)->{error}, qr/the mail server does not accept connections/, '... and says why');

# TLS and signing in.
my %tls = (WEBMUNK_CA_FILE => "$dir/cert.pem", WEBMUNK_SMTP_SECRET => 'smtp');
for my $mode (qw(starttls implicit)) {
    my $server = WmTest::Server->start('smtp.js', $mode, $dir, $log);
    my $url = ($mode eq 'implicit' ? 'smtps' : 'smtp') . '://127.0.0.1:' . $server->port;
    my %here = (%tls, WEBMUNK_SMTP_URL => $url, WEBMUNK_SMTP_TLS => 'required');
    $pg->do("update mail set run_after = now() where state = 'waiting'");
    $id = add('a@example.org', $mode, 'y');
    $done = send_mail(%here);
    is($done->{code}, 0, "$mode: a mail is sent") or diag($done->{err}, $server->log);
    $mail = (received())[-1];
    ok($mail->{secure}, '... by TLS');
    is($mail->{user}, 'lab', '... after signing in');
    $id = add('a@example.org', $mode, 'y');
    isnt(send_mail(%here, WEBMUNK_SMTP_SECRET => 'smtp-wrong')->{code}, 0, "$mode: a wrong password");
    like(row($id)->{error}, qr/refused the login: check user and secret/, '... is named');
    $pg->do("update mail set run_after = now() where state = 'waiting'");
    isnt(send_mail(%here, WEBMUNK_CA_FILE => '/etc/ssl/certs/ca-certificates.crt')->{code}, 0, "$mode: a certificate of nobody's");
    like(row($id)->{error}, qr/certificate of the mail server cannot be trusted/, '... is not accepted');
    $server->stop;
}
my $bare = WmTest::Server->start('smtp.js', 'plain', $dir, $log);
$pg->do("update mail set run_after = now() where state = 'waiting'");
isnt(send_mail(WEBMUNK_SMTP_URL => 'smtp://127.0.0.1:' . $bare->port, WEBMUNK_SMTP_TLS => 'required')->{code}, 0,
    'without STARTTLS nothing is sent when it is required');
like(row($id)->{error}, qr/does not offer STARTTLS/, '... and says so');
like(send_mail(WEBMUNK_SMTP_URL => 'smtp://lab:pw@mail.example.org')->{err}, qr/without user and password/, 'an address holds no password')
    if $pg->do("update mail set run_after = now() where state = 'waiting'") || 1;
secrets_nowhere($pg);
done_testing();
