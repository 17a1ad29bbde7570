#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# webmunkd.conf: which file, environment and command line, what is refused and how, and a change while the runner runs.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Postgres;

my $file = workdir() . '/webmunkd.conf';

# What check-config says to a file of these lines.
sub check
{
    my ($text, @more) = @_;
    spew($file, $text);
    return webmunkd(undef, '--config', $file, 'check-config', @more);
}
sub refused
{
    my ($text, $why, $name) = @_;
    my $done = check($text);
    is($done->{code}, 1, "$name is refused");
    like($done->{err}, $why, '... in words') or diag($done->{out});
    return;
}
# The value of "section.key" that a command would have.
sub value
{
    my ($name, $how, @words) = @_;
    my ($section, $key) = split /\./, $name;
    my $done = webmunkd($how // {}, undef, @words, 'check-config', '--show');
    my ($body) = $done->{out} =~ /^\[$section\]$(.*?)(?=^\[|\z)/ms or return $done->{err};
    return $body =~ /^#?$key = (.*)$/m ? $1 : "no $key";
}

# --- the form ---
my $done = check("; a comment\n# and $file" . 'x' x 300 . "\n\n[export]\n\tlevel=9\n  keep = 4w ; so long\n[mail]\nadmins = a\@example.org\nadmins = b\@example.org\r\n");
is($done->{code}, 0, 'comments, blanks, tabs and ends of lines of other systems are fine') or diag($done->{err});
is($done->{out}, "$file is fine\n", '... and that is said');
is(value('export.level', undef, '--config', $file), 9, 'a value is read');
is(value('export.keep', undef, '--config', $file), '4w', '... without the comment behind it');
is(value('mail.admins', undef, '--config', $file), 'a@example.org, b@example.org', 'a list may be of several lines');
is(value('runner.poll', undef, '--config', $file), '5s', 'what is not given has its default');
is(check("\xef\xbb\xbf[export]\nlevel = 3\n")->{code}, 0, 'a byte order mark is fine');
is(check('')->{code}, 0, 'an empty file is fine');
$done = check("[export]\nlevel = 3\n", '--show');
my $shown = spew(workdir() . '/shown.conf', $done->{out});
is(webmunkd(undef, '--config', $shown, 'check-config')->{code}, 0, 'what --show prints is a file of settings');
like($done->{out}, qr/set in line 2\nlevel = 3$/m, '... and says where a value is from');
my $sample = builddir() . '/conf/webmunkd.conf';
is(webmunkd(undef, '--config', $sample, 'check-config')->{code}, 0, 'the sample is fine');
my $uncommented = slurp($sample) =~ s/^#(\w+ = )/$1/mgr;
is(check($uncommented)->{code}, 0, '... with every line in use as well') or diag(check($uncommented)->{err});

# --- what is refused ---
my $at = qr/\Q$file\E/;
refused("[exprot]\n", qr/$at:1: there is no section \[exprot\]; there are site, database, /, 'an unknown section, even an empty one,');
refused("\n[export]\nlevle = 1\n", qr/$at:3: there is no levle in section \[export\]; there are dir, key, level, keep/, 'an unknown key');
refused("DATABASE_URL=x\n", qr/$at:1: DATABASE_URL is a name of the environment; here it is conninfo in section \[database\]/, 'a variable of the environment');
refused("dir = /x\n", qr/$at:1: dir stands in no section/, 'a key before any section');
refused("[export]\nlevel\n", qr/$at:2: the line is neither "\[section\]" nor "key = value"/, 'a line without =');
refused("[export\nlevel = 1\n", qr/$at:1: the line is neither/, 'a bracket that is not closed');
refused("[export]\nlevel = 1\nlevel = 2\n", qr/$at:3: level in \[export\] was given already, in line 2/, 'a key that is given twice');
refused("[export]\nlevel =\n", qr/$at:2: level in \[export\] is empty/, 'an empty value');
refused("[export]\nlevel = 10\n", qr/$at:2: level in \[export\] is "10" and must be a number, from 1 to 9/, 'a number out of bounds');
refused("[export]\nkeep = 30\n", qr/$at:2: keep in \[export\] is "30" and must be a time such as/, 'a time without unit');
refused("[export]\nkeep = 99999999999999999d\n", qr/must be a time/, 'a time beyond all numbers');
refused("[export]\ndir = exports\n", qr/is "exports" and must be an absolute path/, 'a path that is relative');
refused("[mail]\nfrom = A <a\@example.org>\n", qr/must be an address of mail and nothing else/, 'an address with a name');
refused("[mail]\nadmins = a\@example.org, b\n", qr/must be addresses of mail, parted by commas/, 'a list with something else in it');
refused("[mail]\nsmtp_url = http://x\n", qr/must be an address that begins with smtp:\/\/ or smtps:\/\//, 'another kind of URL');
refused("[mail]\nsecret = ../x\n", qr/must be the name of a secret/, 'a secret with a folder');
refused("[mail]\ntls = perhaps\n", qr/is "perhaps" and must be required or off/, 'a word that is none');
for my $line ('conninfo = postgresql://u:hush@h/d', 'conninfo = host=h password=hush', 'conninfo = a = b hush') {
    refused("[database]\n$line\n", qr/$at:2: conninfo in \[database\] must be .*without a password/, 'a database with its password, or none at all,');
    unlike(check("[database]\n$line\n")->{err}, qr/hush/, '... and not repeated');
}
unlike(check("[mail]\nsmtp_url = smtp://u:hush\@h\n")->{err}, qr/hush/, 'nor is a password in another address');
refused("[site]\nname = a\0b\n", qr/it has a NUL byte/, 'a NUL byte');
refused("[site]\nname = a\eb\n", qr/$at:2: the line has a control character/, 'a control character');
refused('[site]' . "\nname = " . 'a' x 300, qr/$at:2: the line is longer than \d+ bytes/, 'a line that is too long');
refused('#' x 70000, qr/is larger than 64 KiB/, 'a file that is too large');
refused("[site]\nname = \${NOWHERE_TO_BE_FOUND}\n", qr/$at:2: name in \[site\] wants \$\{NOWHERE_TO_BE_FOUND\}/, 'a variable that is not there');
refused("[site]\nname = \${X\n", qr/has "\$\{" without "\}"/, 'a variable that does not end');
refused("first\n[export]\nlevel = 10\n", qr/$at:1: the line is neither/, 'of two faults, the first');
refused("[export]\nlevel = 10\nfirst\n", qr/$at:2: level/, 'of two others, the first as well,');

# --- which file, environment, command line ---
spew($file, "[export]\nlevel = 3\n[site]\nname = \${LAB}-\${LAB}\n");
is(value('export.level', { env => { WEBMUNKD_CONF => $file, LAB => 'x' } }), 3, 'WEBMUNKD_CONF names the file');
is(value('site.name', { env => { WEBMUNKD_CONF => $file, LAB => 'x' } }), 'x-x', 'variables are replaced');
is(value('export.level', { env => { WEBMUNKD_CONF => '/nonexistent', LAB => 'x' } }, '--config', $file), 3, '--config is stronger');
is(value('export.level', { env => { WEBMUNKD_CONF => $file, LAB => 'x', WEBMUNK_EXPORT_LEVEL => 7 } }), 7, 'a variable is stronger than the file');
is(value('export.level', { env => { WEBMUNKD_CONF => $file, LAB => 'x', WEBMUNK_EXPORT_LEVEL => '' } }), 3, '... unless it is empty');
is(value('export.level', undef), 6, 'an empty WEBMUNKD_CONF is no file');
like(value('export.level', { env => { WEBMUNK_EXPORT_LEVEL => 'x' } }), qr/WEBMUNK_EXPORT_LEVEL is "x" and must be a number, from 1 to 9/, 'a bad variable is refused by its name');
like(value('export.level', undef, '--config', '/nonexistent'), qr/the settings in \/nonexistent: /, 'a file that is not there is an error when it was named');
is(webmunkd(undef, '--config')->{code}, 2, '--config without a file is wrong usage');

my $pg  = WmTest::Postgres->start;
my $url = $pg->url =~ s/user=\w+/user=wm_jobs/r;
spew($file, "[database]\nconninfo = $url\n");
my %bare = (env => { WEBMUNKD_CONF => $file });
is(webmunkd({%bare}, undef, 'job', 'list')->{code}, 0, 'commands find the database by the file') or diag(webmunkd({%bare}, undef, 'job', 'list')->{err});
is(webmunkd({%bare}, undef, '-d', 'postgresql:///nowhere?host=' . $pg->dir, 'job', 'list')->{code}, 1, '... unless the command line says another');
spew($file, "[odd]\n");
like(webmunkd({%bare}, undef, 'job', 'list')->{err}, qr/there is no section \[odd\]/, 'a broken file stops a command that needs it');
is(webmunkd({%bare}, undef, 'destination', 'kinds')->{code}, 0, '... and no other');

# --- HUP ---
my $log    = workdir() . '/run.log';
my $plain  = "[database]\nconninfo = $url\n[runner]\npoll = 1s\n";
spew($file, $plain);
my $runner = WmTest::spawn($log, { WEBMUNKD_CONF => $file }, builddir() . '/jobs/webmunkd', 'run');
WmTest::guard(sub { WmTest::reap($runner, 'KILL') if $runner });
my $mails = 0;
# What becomes of a new mail, by the job that the runner runs.
sub mailed
{
    my ($pattern, $name) = @_;
    my $id = $pg->scalar("insert into mail (to_address, subject, body, what) values ('a\@example.org', 's', 'b', \$1) returning id", ++$mails);
    $pg->do("insert into job (name, what) values ('mail', 'test $mails')");
    ok((wait_until { ($pg->scalar('select error from mail where id = $1', $id) // '') =~ $pattern } $name), $name)
        or diag($pg->scalar('select to_jsonb(m) from mail m where id = $1', $id), slurp($log));
    return;
}
sub logged { my ($pattern) = @_; return wait_until { slurp($log) =~ $pattern } "the log to say $pattern" }

mailed(qr/set smtp_url/, 'a run has the settings of the beginning');
spew($file, "${plain}[mail]\nsmtp_url = ftp://x\n");
kill 'HUP', $runner;
ok(logged(qr/WM0620 .*webmunkd\.conf:6: smtp_url in \[mail\] must be .*; the settings stay as they were/), 'HUP: a broken file is reported with its line');
mailed(qr/set smtp_url/, '... and the settings stay as they were');
my $port = free_port();
spew($file, "${plain}[mail]\nsmtp_url = smtp://127.0.0.1:$port\nfrom = w\@example.org\n");
kill 'HUP', $runner;
ok(logged(qr/WM0621 settings read from .*webmunkd\.conf/), 'HUP: a changed file is read');
mailed(qr/mail server/, '... and runs have the new settings');
kill 'TERM', $runner;
waitpid($runner, 0);
is($?, 0, 'and the runner ends as it should');
undef $runner;
done_testing();
