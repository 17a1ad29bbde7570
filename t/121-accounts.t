#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# webmunkd at the command line: help, wrong usage, accounts, tokens, keys; and no secret where it does not belong.
use strict;
use warnings;
use FindBin;
use IPC::Open2 qw(open2);
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Postgres;

my $pg      = WmTest::Postgres->start;
my $program = builddir() . '/jobs/webmunkd';
my $output  = '';

# Run it and keep what it said, to look for secrets at the end.
sub cli
{
    my $how  = ref $_[0] ? shift : {};
    my $done = webmunkd($how, $pg, @_);
    $output .= $done->{out} . $done->{err} unless $how->{told};
    return $done;
}

sub fails
{
    my ($code, $like, $name, @arguments) = @_;
    my $done = cli(@arguments);
    is($done->{code}, $code, $name);
    like($done->{err}, qr/^webmunkd: [^\n]*$like[^\n]*\n\z/, '... with one sentence');
    is($done->{out}, '', '... and nothing on standard output');
    return;
}

# Help, from the table of commands.
my $help = webmunkd(undef, '--help');
is($help->{code}, 0, 'help needs no database');
my ($list) = $help->{out} =~ /^commands:\n(.*?)\n\n/ms;
my @commands = $list =~ /^  (\w+(?: \w+)?)  /mg;
ok(@commands > 5, 'the help lists commands');
like(webmunkd(undef, '--version')->{out}, qr/^webmunkd \d+\.\d+\.\d+\n\z/, 'the version is one line');
my $nowhere = 'postgresql:///x?host=/nonexistent';
for my $command (@commands) {
    my @words = split(' ', $command);
    my $own   = webmunkd(undef, @words, '--help');
    is($own->{code}, 0, "$command: help");
    like($own->{out}, qr/^usage: webmunkd \Q$command\E\b/, "$command: the help is its own");
    unlike($own->{out}, qr/.{101}/, "$command: the help fits a terminal");
    # A monitor takes 2 for critical; that it cannot be told is 3 there.
    my $code = $command eq 'health' ? 3 : 2;
    my $too_many = $own->{out} =~ /\A[^\n]*\.\.\.\]/ ? 65 : 4;
    for my $wrong ([ '--nonsense' ], [ '-x' ], [ ('word') x $too_many ], [ '--database' ]) {
        my $done = webmunkd(undef, '-d', $nowhere, @words, @$wrong);
        is($done->{code}, $code, "$command $wrong->[0], " . @$wrong . ' of it: wrong usage');
        like($done->{err}, qr/^webmunkd: [^\n]+\n\z/, "$command @$wrong: one sentence");
    }
    my @needed = $own->{out} =~ /^  (--\S+) .*\(needed\)/mg;
    my ($name) = $own->{out} =~ /\A[^\n]* (NAME)\n/;
    next unless @needed || $name;
    is(webmunkd(undef, '-d', $nowhere, @words)->{code}, 2, "$command: what is required is asked for");
}
fails(2, 'a command is missing', 'no command is wrong usage');
fails(2, 'no command "nonsense"', 'an unknown command is wrong usage', 'nonsense');
fails(2, 'account add, account list', 'half a command tells the other half', 'account');
fails(2, '--months is "0"', 'a number out of range is wrong usage', 'partitions', '--months', '0');
fails(2, '--months is "1x"', 'and so is half a number', 'partitions', '--months=1x');
fails(2, '--status takes no value', 'a value too many is wrong usage', 'migrate', '--status=1');
fails(2, '--months was given twice', 'an option twice is wrong usage', 'partitions', '--months=1', '--months=2');

# Accounts.
my $password = 'regen im september';
my $second   = 'nebel im oktober';
my $file     = spew(workdir() . '/password', "$password\n");
is(cli('account', 'add', 'anna', '--password-file', $file, '--role', 'manager')->{code}, 0, 'an account is added');
fails(1, 'an account called "Anna" already', 'a name is taken in any case', 'account', 'add', 'Anna', '--password-file', $file);
my $done = cli({ stdin => "$password\r\nrest" }, 'account', 'add', 'bert', '--password-file=-');
is($done->{code}, 0, 'a password may come by standard input');
like($done->{out}, qr/may not do anything yet/, 'an account without role is told of');
fails(1, 'fewer than 12', 'a short password is refused', { stdin => 'short' }, 'account', 'add', 'carl', '--password-file', '-');
fails(1, 'guessed first', 'a common one is refused', { stdin => 'Password1234' }, 'account', 'add', 'carl', '--password-file', '-');
fails(1, 'is empty', 'an empty one is refused', { stdin => '' }, 'account', 'add', 'carl', '--password-file', '-');
fails(1, 'no blanks', 'a name with a blank is refused', 'account', 'add', 'carl carlson', '--password-file', $file);
fails(1, 'nowhere', 'a password file that is missing is named', 'account', 'add', 'carl', '--password-file', workdir() . '/nowhere');
fails(2, 'no terminal to ask at', 'without file and terminal nothing is asked', 'account', 'add', 'carl');
fails(2, '--role is "king"', 'an unknown role is wrong usage', 'account', 'add', 'carl', '--role', 'king', '--password-file', $file);
fails(2, '--study needs --role', 'a study without role is wrong usage', 'account', 'add', 'carl', '--study', 'default', '--password-file', $file);
fails(1, 'no study called "other"', 'a study that is not there is named', 'account', 'add', 'carl', '--role', 'viewer', '--study', 'other', '--password-file', $file);
is($pg->scalar('select count(*) from account'), 2, 'what was refused has left nothing');

cli('account', 'grant', 'bert', '--role', 'analyst', '--study', 'default');
cli('account', 'grant', 'BERT', '--role', 'auditor');
cli('account', 'grant', 'bert', '--role', 'auditor');
my $accounts = from_json(cli('account', 'list', '--json')->{out});
is_deeply([ map { [ $_->{name}, $_->{disabled} ? 1 : 0, $_->{roles} ] } @$accounts ], [
    [ 'anna', 0, [ { role => 'manager', study => undef } ] ],
    [ 'bert', 0, [ { role => 'analyst', study => 'default' }, { role => 'auditor', study => undef } ] ],
], 'accounts and their roles are listed as JSON');
like(cli('account', 'list')->{out}, qr/^bert +active +never +analyst \(default\), auditor$/m, 'and for people');
fails(1, 'does not have the role viewer', 'a role that was not given is not taken away', 'account', 'ungrant', 'bert', '--role', 'viewer');
is(cli('account', 'ungrant', 'bert', '--role', 'auditor')->{code}, 0, 'a role is taken away');
is_deeply([ $pg->list("select role from role_grant where account_id = (select id from account where name = 'bert')") ],
    ['analyst'], 'and only that');

# Rights beside roles.
is(cli('account', 'grant', 'bert', '--right', 'sensitive')->{out}, "account \"bert\" now has the right sensitive in all studies\n", 'a right is granted in all studies');
is(cli('account', 'grant', 'bert', '--right', 'sensitive')->{code}, 0, '... twice is as well');
cli('account', 'ungrant', 'bert', '--role', 'analyst', '--study', 'default');
is(cli('account', 'grant', 'BERT', '--right', 'export', '--study', 'default')->{out},
    "account \"bert\" now has the right export in default\nIt does not count yet: that needs the role administrator there\n",
    'a right without its role is kept, and said to be void');
like(cli('account', 'grant', 'bert', '--right', 'sensitive')->{out}, qr/needs the role analyst, manager or administrator there, and the right to records$/m, '... with what it needs');
cli('account', 'grant', 'bert', '--role', 'analyst', '--study', 'default');
is_deeply([ map { $_->{rights} } @{ from_json(cli('account', 'list', '--json')->{out}) } ],
    [ [], [ { right => 'sensitive', study => undef }, { right => 'export', study => 'default' } ] ], 'rights are listed as JSON');
like(cli('account', 'list')->{out}, qr/^bert +active +never +analyst \(default\); sensitive, export \(default\)$/m, '... and for people');
fails(2, 'either a role or a right', 'one of both is needed', 'account', 'grant', 'bert');
fails(2, 'either a role or a right', '... and not both', 'account', 'grant', 'bert', '--role', 'viewer', '--right', 'records');
fails(2, "--right is \"$_\"", "\"$_\" cannot be granted alone", 'account', 'grant', 'bert', '--right', $_)
    for qw(overview configure accounts-all system Sensitive none), '', "x'; --";
fails(1, 'no study called "other"', 'a study that is not there is named', 'account', 'grant', 'bert', '--right', 'sensitive', '--study', 'other');
fails(1, 'no account called "zoe"', '... and an account', 'account', 'grant', 'zoe', '--right', 'sensitive');
fails(1, 'does not have the right sensitive there', 'a right of all studies is not taken from one', 'account', 'ungrant', 'bert', '--right', 'sensitive', '--study', 'default');
is(cli('account', 'ungrant', 'bert', '--right', 'export', '--study', 'default')->{out}, "account \"bert\" no longer has the right export in default\n", 'a right is taken away');
is_deeply([ $pg->list('select may from right_grant') ], ['sensitive'], '... and only that');
is_deeply([ $pg->list("select role from role_grant where account_id = (select id from account where name = 'bert')") ], ['analyst'], '... and no role');
ok(!eval { $pg->do("insert into right_grant (account_id, may) select id, 'system' from account"); 1 }, 'the database knows no other rights either');

sub session_for
{
    my ($name, $n) = @_;
    $pg->do("insert into session (digest, account_id, created, last_used, expires)
             select decode(repeat('0$n', 32), 'hex'), id, now(), now(), now() + interval '1 day' from account where name = " . $pg->quote($name));
    return;
}
session_for('bert', 1);
session_for('anna', 2);
is(cli('account', 'disable', 'bert')->{code}, 0, 'an account is disabled');
is($pg->scalar('select count(*) from session'), 1, 'its sessions end, and no others');
like(cli('account', 'list')->{out}, qr/^bert +disabled/m, 'the list says so');
is(cli('account', 'enable', 'bert')->{code}, 0, 'it is enabled again');
is($pg->scalar('select count(*) from account where disabled is not null'), 0, 'nobody is disabled');
my $before = $pg->scalar("select password from account where name = 'anna'");
is(cli({ stdin => $second }, 'account', 'password', 'anna', '--password-file', '-')->{code}, 0, 'a password is changed');
isnt($pg->scalar("select password from account where name = 'anna'"), $before, 'the hash with it');
is($pg->scalar('select count(*) from session'), 0, 'and sessions end');
fails(1, 'no account called "zoe"', "$_: an unknown account is named", 'account', $_, 'zoe') for qw(disable enable);
fails(1, 'no account called "zoe"', 'password: an unknown account is named', 'account', 'password', 'zoe', '--password-file', $file);

# What cannot be written into the access log does not happen.
is(cli('token', 'add', 'short-lived', '--value-file', spew(workdir() . '/text', "a-text-of-sixteen\n"))->{code}, 0, 'a token is there to be revoked');
session_for('anna', 3);
my $people = json([ $pg->rows('select * from account order by id') ]);
$pg->do("create function unwritable() returns trigger language plpgsql as \$\$ begin raise exception 'the log is full'; end \$\$;
         create trigger unwritable before insert on access_log for each row execute function unwritable()");
fails(1, 'the log is full', "\"$_->[0]\" fails without its row of the access log", split(' ', $_->[0]), @$_[ 1 .. $#$_ ])
    for ['account disable anna'], ['account enable anna'], ['account grant anna --right sensitive'], ['account ungrant bert --right sensitive'], [ 'account password anna', '--password-file', $file ], ['token revoke short-lived'];
$pg->do('drop trigger unwritable on access_log');
is(json([ $pg->rows('select * from account order by id') ]), $people, '... and changes no account');
is($pg->scalar("select string_agg(a.name || ' ' || g.may, ',') from right_grant g join account a on a.id = g.account_id"), 'bert sensitive', '... gives and takes no right');
is($pg->scalar('select count(*) from session'), 1, '... ends no session');
is($pg->scalar("select count(*) from api_token where name = 'short-lived' and revoked is null"), 1, '... and no token');
$pg->do("delete from session; delete from api_token");

# At a terminal: asked twice, without echo.
sub at_terminal
{
    my ($arguments, @answers) = @_;
    my $script = need_program('script', 'bsdutils');
    local $SIG{PIPE} = 'IGNORE';
    my $env = $pg->env;
    local @ENV{ keys %$env } = values %$env;
    my $child  = open2(my $out, my $in, $script, '-qefc', "'$program' $arguments", '/dev/null');
    my $text   = '';
    $in->autoflush(1);
    for my $answer (@answers) {
        while ($text !~ /: \z/) {
            sysread($out, $text, 4096, length $text) or last;
        }
        $text .= '|';
        print $in $answer;
    }
    while (sysread($out, $text, 4096, length $text)) { }
    close $in;
    waitpid($child, 0);
    $output .= $text;
    return ($? >> 8, $text);
}
my ($code, $text) = at_terminal('account password bert', "$second\n", "$second\n");
is($code, 0, 'a password can be typed') or diag($text);
like($text, qr/New password for bert: \|\s+The same again: \|\s+account "bert" has a new password/, 'twice, and it is not shown');
($code, $text) = at_terminal('account password bert', "$second\n", "$second!\n");
is($code, 1, 'two different ones are refused');
like($text, qr/the two passwords differ/, 'with a sentence');
($code, $text) = at_terminal('account password bert', "\x03");
cmp_ok($code, '>=', 128, 'Ctrl-C ends the question');

# Tokens.
$done = cli({ told => 1 }, 'token', 'add', 'browser', '--study', 'default', '--expires', '90d');
is($done->{code}, 0, 'a token is made');
like($done->{out}, qr/^wm_[A-Za-z0-9_-]{43}\n\z/, 'and is the only thing on standard output');
chomp(my $token = $done->{out});
my $given = 'test-bearer-token';
is(cli({ stdin => "$given\n" }, 'token', 'add', 'vectors', '--value-file', '-')->{code}, 0, 'a given token is registered');
is_deeply([ $pg->list("select name from api_token where digest = sha256(convert_to(\$1, 'UTF8'))", $token) ], ['browser'],
    'the database has its digest');
is($pg->scalar("select round(extract(epoch from expires - now()) / 86400) from api_token where name = 'browser'"), 90, 'it expires when asked to');
fails(1, 'name or this text already', 'a name in use is refused', 'token', 'add', 'browser');
fails(1, 'name or this text already', 'a text in use is refused', { stdin => $given }, 'token', 'add', 'again', '--value-file', '-');
fails(1, 'fewer than 16', 'a short text is refused', { stdin => 'short' }, 'token', 'add', 'again', '--value-file', '-');
fails(2, '--expires is "90"', 'a time without unit is wrong usage', 'token', 'add', 'again', '--expires', '90');
is(cli('token', 'revoke', 'browser')->{code}, 0, 'a token is revoked');
fails(1, 'no valid token called "browser"', 'once', 'token', 'revoke', 'browser');
is_deeply([ map { "$_->{name} $_->{state} " . ($_->{study} // '-') } @{ from_json(cli('token', 'list', '--json')->{out}) } ],
    [ 'browser revoked default', 'vectors valid -' ], 'tokens are listed as JSON');
like(cli('token', 'list')->{out}, qr/^vectors +valid +- +never +never$/m, 'and for people');

# Keys.
my ($secret, $public) = map { workdir() . "/box-$_" } qw(secret public);
$done = cli('keygen', '--secret', $secret, '--public', $public);
is($done->{code}, 0, 'a key pair is made');
is($done->{out}, slurp($public), 'the public key is on standard output');
is((stat $secret)[2] & 07777, 0600, 'nobody else reads the secret one');
my $kept = slurp($secret);
is(cli('keygen', '--secret', $secret, '--public', "$public-2")->{code}, 1, 'a key is never overwritten');
is(slurp($secret), $kept, 'indeed');

# Nothing secret anywhere.
my $dump = run({ env => $pg->env }, WmTest::Postgres::program('pg_dump'));
is($dump->{code}, 0, 'the database is dumped') or diag($dump->{err});
like($dump->{out}, qr/\$argon2id\$/, 'with the hashes of passwords');
chomp $kept;
my %hidden = (password => $password, 'second password' => $second, token => $token, 'given token' => $given, 'secret key' => $kept);
for my $what (sort keys %hidden) {
    is(index($dump->{out}, $hidden{$what}), -1, "no $what in the database");
    is(index($dump->{out}, unpack('H*', $hidden{$what})), -1, "... nor as bytes");
    is(index($output, $hidden{$what}), -1, "no $what in what the program says");
    is(index(slurp($pg->{log}), $hidden{$what}), -1, "no $what in PostgreSQL's log");
}
is_deeply([ $pg->list('select distinct action from access_log order by 1') ],
    [qw(account-add account-disable account-enable account-grant account-password account-ungrant token-add token-revoke)],
    'each change is in the access log');
is($pg->scalar("select count(*) from access_log where object = 'account:carl'"), 0, 'and what was refused is not');
done_testing();
