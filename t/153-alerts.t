#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Alerts: each check on both sides of its limits, what opens, renews and closes them, who is left out, and the job.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Postgres;

my $pg = WmTest::Postgres->start;
$pg->do('select partitions_ahead(1, 1)');
$pg->do(<<'EOS');
insert into study (slug, name, late_after, silent_after) values ('b', 'B', '1 hour', '3 hours');
insert into source_group (study_id, name) values (1, 'one'), (1, 'two'), (2, 'quick');
insert into generator (identifier, label) values ('pdk-system-status', 'System'), ('needed', 'Needed');
EOS

# One session for all: the statements are many and small.
my $session = $pg->session;
sub value { return $session->do($_[0]) }
sub list { return split /\n/, value($_[0]) }

my %id;
# A participant of study 1 that sent just now; columns of source and source_status as SQL.
sub source
{
    my ($name, $source, $status) = @_;
    my %source = (identifier => "'$name'", name => "'$name'", study_id => 1, added => "now() - interval '30 days'", %{ $source || {} });
    my %status = (last_received => 'now()', last_created => 'now()', %{ $status || {} });
    my @columns = sort keys %source;
    $id{$name} = value('insert into source (' . join(', ', @columns) . ') values (' . join(', ', @source{@columns}) . ') returning id');
    @columns = sort keys %status;
    value("insert into source_status (source_id, " . join(', ', @columns) . ") values ($id{$name}, " . join(', ', @status{@columns}) . ')');
    return;
}
sub status { my ($name, $set) = @_; value("update source_status set $set where source_id = $id{$name}"); return }
sub ago { return "now() - interval '$_[0]'" }

# What a look at everything did, "opened closed open"; at another time than now when that is given.
sub check { return value("select opened || ' ' || closed || ' ' || open from alerts_update(now() + interval '" . ($_[0] || 0) . "')") }
# Open alerts of one, "check level", sorted; all when none is named.
sub open_of
{
    my ($name) = @_;
    return join ', ', list("select check_name || ' ' || level from alert where closed is null and source_id = $id{$name} order by 1");
}
sub server_alerts { return join ', ', list("select check_name || ' ' || level || ' ' || subject from alert where closed is null and source_id is null order by 1") }

subtest 'limits' => sub {
    my @cases = (
        # name, source, status, what is open
        [ 'in-time',     {}, { last_received => ago('11 hours 59 minutes') }, '' ],
        [ 'late',        {}, { last_received => ago('12 hours 1 minute') }, 'upload-silence warning' ],
        [ 'not-silent',  {}, { last_received => ago('47 hours 59 minutes') }, 'upload-silence warning' ],
        [ 'silent',      {}, { last_received => ago('48 hours 1 minute') }, 'upload-silence critical' ],
        [ 'future',      {}, { last_received => ago('3 days'), last_created => "now() + interval '10 years'" }, 'upload-silence critical' ],
        [ 'backlog',     {}, { last_received => ago('1 minute'), last_created => ago('1 year') }, '' ],
        [ 'invited',     { added => ago('71 hours') }, { last_received => 'null' }, '' ],
        [ 'never',       { added => ago('73 hours') }, { last_received => 'null' }, 'never-uploaded critical' ],
        [ 'quick',       { study_id => 2 }, { last_received => ago('61 minutes') }, 'upload-silence warning' ],
        [ 'quick-dead',  { study_id => 2 }, { last_received => ago('4 hours') }, 'upload-silence critical' ],
        [ 'full',        {}, { battery => 33 }, '' ],
        [ 'low',         {}, { battery => 32.9 }, 'battery-low warning' ],
        [ 'low-still',   {}, { battery => 20 }, 'battery-low warning' ],
        [ 'empty',       {}, { battery => 19.9 }, 'battery-low critical' ],
        [ 'none',        {}, { battery => 'null' }, '' ],
        [ 'both',        {}, { battery => 3, last_received => ago('3 days') }, 'battery-low critical, upload-silence critical' ],
        [ 'paused',      { paused_until => "now() + interval '1 day'" }, { battery => 3, last_received => ago('3 days') }, '' ],
        [ 'resumed',     { paused_until => ago('1 day') }, { last_received => ago('3 days') }, 'upload-silence critical' ],
        [ 'withdrawn',   { withdrawn => ago('1 day') }, { battery => 3, last_received => ago('3 days') }, '' ],
        [ 'completed',   { completed => ago('1 day') }, { battery => 3, last_received => ago('3 days') }, '' ],
        [ 'erased',      { erased => ago('1 day') }, { battery => 3, last_received => ago('3 days') }, '' ],
        [ 'unassigned',  { study_id => 'null' }, { battery => 3, last_received => ago('3 days') }, '' ],
    );
    source(@$_[0 .. 2]) for @cases;
    like(check(), qr/^13 0 13$/, 'a look opens what is wrong');
    is(open_of($_->[0]), $_->[3], "$_->[0]: " . ($_->[3] || 'nothing')) for @cases;
    is(check(), '0 0 13', 'a second look opens and closes nothing');
    is(value('select count(*) from alert where last_seen > opened'), 13, '... and says that all of it was seen again');
    my $silent = $pg->row("select round(value) as value, reached, message from alert where source_id = $id{silent}");
    cmp_ok(abs($silent->{value} - 48 * 3600 - 60), '<', 60, 'an alert has its value');
    is($silent->{reached}, 48 * 3600, '... and the limit');
};

subtest 'faults' => sub {
    value('insert into study_generator (study_id, generator_id) values (1, 2)');
    source('partial');
    source('whole');
    source('ahead', {}, { last_created => "now() + interval '2 hours'" });
    value("insert into source_day (source_id, generator_id, day, points, ahead, last_received)
        select s, 2, current_date, 10, case when s = $id{ahead} then 10 else 0 end, now() from unnest(array[$id{whole}, $id{ahead}]) s");
    value("delete from source where identifier in ('in-time', 'backlog', 'full', 'none')");
    my $done = webmunkd($pg, '-d', $pg->url =~ s/user=\w+/user=wm_jobs/r, '--once', 'status-checks');
    is($done->{code}, 0, 'the job finds faults by itself') or diag($done->{err});
    is(open_of('partial'), 'data-partial warning', 'a required generator that is missing');
    is(open_of('whole'), '', '... or not');
    is(open_of('ahead'), 'clock-wrong warning', 'a clock that is ahead');
    value('delete from study_generator');
    value("update source_status set last_created = now() where source_id = $id{ahead}");
    value("update study_refreshed set refreshed = refreshed - interval '1 hour'");
    webmunkd($pg, '--once', 'status-checks');
    is(open_of($_), '', "$_: over when the fault is") for qw(partial ahead);
};

subtest 'storage' => sub {
    my $n = 0;
    my $report = sub {
        my ($name, $bytes, $created) = @_;
        $created //= 'now()';
        value("begin; insert into data_point (id, source_id, created, recorded, digest, generator_id, agent_id, properties)
            values (" . ++$n . ", $id{$name}, $created, now(), md5('$n')::uuid, 1, 1, '{\"storage_available\": $bytes}')");
        value("insert into source_day (source_id, generator_id, day, points, last_created, last_received)
            values ($id{$name}, 1, (($created) at time zone 'UTC')::date, 1, $created, now())
            on conflict (source_id, generator_id, day) do update set last_created = excluded.last_created; commit");
        status($name, 'last_received = clock_timestamp()');
    };
    source("disk$_") for 1 .. 6;
    $report->('disk1', 1073741824);
    $report->('disk2', 1073741823);
    $report->('disk3', 268435455);
    $report->('disk4', '"none"');
    $report->('disk5', '1e400');
    $report->('disk6', 1, ago('2 days'));
    $report->('disk6', 5e9);
    check();
    is(open_of('disk1'), '', 'room enough');
    is(open_of('disk2'), 'storage-low warning', 'little');
    is(open_of('disk3'), 'storage-low critical', 'very little');
    is(open_of('disk4'), '', 'what is no number says nothing');
    is(open_of('disk5'), '', 'a number beyond all bounds harms nothing');
    is(open_of('disk6'), '', 'the newest report counts');
    $report->('disk3', -5);
    check();
    is(value("select value from alert where closed is null and source_id = $id{disk3}"), 0, 'less than nothing is nothing');
    my $looked = value("select xmin from source_storage where source_id = $id{disk2}");
    check();
    is(value("select xmin from source_storage where source_id = $id{disk2}"), $looked, 'who sent nothing since is not looked at again');
};

subtest 'transitions' => sub {
    source('t', {}, { battery => 32 });
    my $newest = sub { return $pg->row("select * from alert where source_id = $id{t} order by id desc limit 1") };
    check();
    my $first = $newest->();
    status('t', 'battery = 30');
    check('1 minute');
    my $again = $newest->();
    is("$again->{id} $again->{value}", "$first->{id} 30", 'the same level renews the value');
    isnt($again->{last_seen}, $first->{last_seen}, '... and when it was seen');
    is($again->{opened}, $first->{opened}, '... not when it began');
    status('t', 'battery = 12');
    check('2 minutes');
    isnt($newest->()->{id}, $first->{id}, 'another level is another alert');
    is(value("select closed is not null from alert where id = $first->{id}"), 't', '... and ends the first');
    is(open_of('t'), 'battery-low critical', '... of which one is open');
    status('t', 'battery = 21');
    check('3 minutes');
    is(open_of('t'), 'battery-low critical', 'a little more than the limit does not end it');
    status('t', 'battery = 23');
    check('4 minutes');
    is(open_of('t'), 'battery-low warning', 'more does');
    status('t', 'battery = 35');
    check('5 minutes');
    is(open_of('t'), 'battery-low warning', 'the same of the other limit');
    status('t', 'battery = 37');
    check('6 minutes');
    is(open_of('t'), '', '... which ends all');
    status('t', 'battery = 35');
    check('7 minutes');
    is(open_of('t'), '', '... and does not come back for as little');

    status('t', 'battery = 5');
    check('8 minutes');
    value("update alert set acknowledged = now() where closed is null and source_id = $id{t}");
    status('t', 'battery = 25');
    check('9 minutes');
    is(value("select acknowledged is not null from alert where closed is null and source_id = $id{t}"), 't', 'what eases stays acknowledged');
    status('t', 'battery = 5');
    check('10 minutes');
    is(value("select acknowledged is not null from alert where closed is null and source_id = $id{t}"), 'f', 'what grows worse does not');
    status('t', 'last_received = null, battery = null');
    value("update source set added = now() - interval '80 hours' where id = $id{t}");
    check();
    is(open_of('t'), 'never-uploaded critical', 'who never sent');
    status('t', 'last_received = now()');
    check();
    is(open_of('t'), '', '... has begun');
    status('t', "last_received = now() - interval '3 days'");
    check();
    value("update source set erased = now() where id = $id{t}");
    check();
    is(open_of('t'), '', 'who is erased has no open alert');
    is(value('select count(*) from (select from alert where closed is null group by check_name, source_id, subject having count(*) > 1) n'), 0,
        'there is one of a kind');
};

subtest 'rules' => sub {
    value("insert into alert_rule (check_name, study_id, warning, critical, margin) values ('battery-low', 1, 50, '-Infinity', 0)");
    value("insert into alert_rule (check_name, study_id, group_id, warning, critical, margin) values ('battery-low', 1, 1, 90, 80, 0)");
    value("insert into alert_rule (check_name, study_id, group_id, enabled) values ('battery-low', 1, 2, false)");
    source('of-study', {}, { battery => 5 });
    source('of-group', { group_id => 1 }, { battery => 85 });
    source('off',      { group_id => 2 }, { battery => 5 });
    source('other',    { study_id => 2 }, { battery => 45 });
    check();
    is(open_of('of-study'), 'battery-low warning', 'a limit of the study takes the place of all studies\', and one may be missing');
    is(open_of('of-group'), 'battery-low warning', 'a limit of the group takes the place of the study\'s');
    is(open_of('off'), '', 'a check may be off');
    is(open_of('other'), '', '... and other studies have their own');
    value("delete from alert_rule where group_id = 2");
    value("update alert_rule set level = 'info' where check_name = 'never-uploaded'");
    check();
    is(open_of('off'), 'battery-low warning', 'back to the study\'s');
    is(open_of('never'), 'never-uploaded info', 'a check without limits has the level of its rule');
    value('update alert_rule set enabled = false');
    like(check(), qr/^0 \d+ 0$/, 'all that is off is closed');
    value("update alert_rule set enabled = true; delete from alert_rule where study_id is not null");
    check();
};

subtest 'mutes' => sub {
    source('m1', {}, { battery => 5 });
    source('m2', { group_id => 2 }, { battery => 5 });
    source('m3', {}, { battery => 5 });
    check();
    my $exported = "select count(*) from source where study_id = 1 and erased is null";
    my $before = value($exported);
    value("insert into alert_mute (source_id) values ($id{m1}); insert into alert_mute (group_id) values (2);
        insert into alert_mute (source_id, until) values ($id{m3}, now() - interval '1 minute')");
    check();
    is(open_of('m1'), '', 'a participant may be muted');
    is(open_of('m2'), '', '... or a group');
    is(open_of('m3'), 'battery-low critical', '... until a time');
    my $done = webmunkd({ env => { WEBMUNK_EXPORT_DIR => workdir() . '/exports' } }, $pg, qw(export create --types pdk-device-battery));
    is($done->{code}, 0, 'an export is made') or diag($done->{err});
    my ($number) = $done->{out} =~ /(\d+)/;
    $done = webmunkd({ env => { WEBMUNK_EXPORT_DIR => workdir() . '/exports' } }, $pg, qw(export run), $number);
    is($done->{code}, 0, '... and run') or diag($done->{err});
    my %in = map { $_ => 1 } list("select jsonb_array_elements_text(sources) from export where id = $number");
    ok($in{m1} && $in{m2}, 'who is muted is in exports like everybody') or diag(explain(\%in));
    value('delete from alert_mute');
    check();
    is(open_of('m1'), 'battery-low critical', 'who is heard again');
    value('update source_status set battery = null, last_received = now(); delete from source_day; delete from source_storage');
    value("delete from source where identifier = 'never'");
    check();
    is(value('select count(*) from alert where closed is null and source_id is not null'), 0, 'all is well');
};

subtest 'the server' => sub {
    my $job = sub { return value("insert into job (name, what, state, error, finished, run_after, priority) values ($_[0]) returning id") };
    value("delete from job; delete from schedule; insert into schedule (name, every, next_due) values ('body-purge', '1 day', now() + interval '1 day')");
    $job->("'body-purge', '', 'done', null, now() - interval '20 days', now(), 0");
    my $failed = $job->("'body-purge', '', 'failed', '57014: canceling', now() - interval '10 days', now(), 0");
    $job->("'session-purge', 'by hand', 'failed', 'x', now() - interval '6 days', now(), 0");
    $job->("'session-purge', 'long ago', 'failed', 'x', now() - interval '8 days', now(), 0");
    $job->("'destination-test', 'destination 1', 'failed', 'x', now(), now(), 0");
    $job->("'partitions', '', 'failed', 'x', now() - interval '1 hour', now(), 0");
    $job->("'partitions', '', 'done', null, now(), now(), 0");
    check();
    is(server_alerts(), 'job-failed critical body-purge, job-failed critical session-purge by hand', 'jobs whose newest end is a failure');
    is(value("select message from alert where closed is null and subject = 'body-purge'"), '57014: canceling', '... with the reason');
    $job->("'body-purge', '', 'cancelled', null, now(), now(), 0");
    is(check(), '0 0 2', 'cancelling the next is no success');
    value("update job set state = 'ready', finished = null where id = $failed");
    check();
    is(server_alerts(), 'job-failed critical session-purge by hand', 'trying it again is the end of it');
    value('delete from job');

    value("update schedule set next_due = now() - interval '59 minutes'");
    check();
    is(server_alerts(), '', 'nearly an hour late');
    value("update schedule set next_due = now() - interval '61 minutes'");
    check();
    is(server_alerts(), 'job-overdue warning body-purge', 'an hour late');
    value("update schedule set next_due = now() - interval '7 hours'");
    $job->("'arrival-fold', '', 'ready', null, null, now() - interval '2 hours', 0");
    $job->("'export', 'export 9', 'ready', null, null, now() - interval '2 days', -10");
    check();
    is(server_alerts(), 'job-overdue critical body-purge, job-overdue warning arrival-fold', 'hours late, and what nobody takes; a backlog may wait');
    value('update schedule set paused = true; delete from job');
    check();
    is(server_alerts(), '', 'what is paused is not late');

    my $export = sub {
        my ($profile, $from, $state) = @_;
        return value("insert into export (study_id, profile, definition, state, error, finished) values (1, '$profile', '{\"from\": \"$from\"}', '$state', 'no room', now()) returning id");
    };
    my $night = $export->('nightly', '2026-02-01', 'failed');
    $export->('', '2026-02-01', 'failed');
    value("insert into export_day (study_id, profile, day, export_id) values (1, 'nightly', '2026-02-01', $night)");
    check();
    is(server_alerts(), 'night-failed critical default nightly 2026-02-01', 'a night that failed; what people ask for is their own');
    value('update export_day set export_id = null');
    is(check(), '0 0 1', 'waiting for another try does not end it');
    my $next = $export->('nightly', '2026-02-01', 'running');
    value("update export_day set export_id = $next");
    is(check(), '0 0 1', '... nor does the try');
    value("update export set state = 'ready' where id = $next");
    is(check(), '0 1 0', '... but its archive does');

    my $to = value("insert into destination (name, kind) values ('lab', 'local') returning id");
    value("insert into delivery (export_id, destination_id, object, state, error) values ($next, $to, 'x', 'failed', 'refused')");
    check();
    is(server_alerts(), 'delivery-failed critical lab', 'a delivery that failed');
    is(value('select value from alert where closed is null'), 1, '... is counted');
    value("update delivery set state = 'waiting'");
    check();
    is(server_alerts(), '', 'it is tried again');
};

subtest 'commands' => sub {
    my $works = sub { my ($name, @words) = @_; my $done = webmunkd($pg, 'alert', @words); is($done->{code}, 0, $name) or diag($done->{err}); return $done->{out} };
    my $refused = sub { my ($why, @words) = @_; my $done = webmunkd($pg, 'alert', @words); ok($done->{code} && $done->{err} =~ $why, "refused: @words") or diag($done->{err}) };
    my $rule = sub { return value("select concat_ws(' ', enabled, warning, critical, level, margin) from alert_rule where check_name = '$_[0]' and coalesce(study_id, 0) = $_[1] and coalesce(group_id, 0) = $_[2]") };
    $works->('limits of a group', qw(set battery-low --study default --group one --warning 50 --margin 20));
    is($rule->('battery-low', 1, 1), 't 50 20 0.2', 'the rest is as for all');
    $works->('... are changed', qw(set battery-low --study default --group one --critical none --off));
    is($rule->('battery-low', 1, 1), 'f 50 -Infinity 0.2', '... and kept');
    $works->('limits of time', qw(set upload-silence --warning 90min --critical 2d));
    is($rule->('upload-silence', 0, 0), 't 5400 172800 0.1', '... in seconds');
    $works->('... are the study\'s again', qw(set upload-silence --warning study --critical study));
    is($rule->('upload-silence', 0, 0), 't 0.1', '... without a limit of its own');
    $works->('limits of size', qw(set storage-low --study b --warning 2G));
    is($rule->('storage-low', 2, 0), 't 2147483648 268435456 0.1', '... in bytes');
    $works->('a level', qw(set clock-wrong --level info));
    like($works->('rules are listed', 'rules'), qr/^battery-low +default +one +- +50 % +none +off$/m, '... for people');
    is(scalar(grep { $_->{check} eq 'battery-low' } @{ from_json($works->('... as JSON', qw(rules --json))) }), 2, '... and for programs');
    $works->('a group has what all have again', qw(unset battery-low --study default --group one));
    $refused->(qr/has no rule of its own/, qw(unset battery-low --study default --group one));
    $refused->(qr/needs --study/, qw(unset battery-low));
    $refused->(qr/there is no check "x"/, qw(set x --off));
    $refused->(qr/must be a time like/, qw(set upload-silence --warning soon));
    $refused->(qr/must be a number from 0 to 100/, qw(set battery-low --warning 101));
    $refused->(qr/warning must come before/, qw(set battery-low --warning 10));
    $refused->(qr/has no limits/, qw(set clock-wrong --warning 10));
    $refused->(qr/has limits/, qw(set battery-low --level info));
    $refused->(qr/must be info, warning or critical/, qw(set clock-wrong --level odd));
    $refused->(qr/either --on or --off/, qw(set clock-wrong --on --off));
    $refused->(qr/no group "three"/, qw(set battery-low --study default --group three --off));
    $refused->(qr/--group needs --study/, qw(set battery-low --group one --off));
    $works->('a participant is muted', qw(mute m1 --for 4w));
    is(value("select until > now() + interval '27 days' from alert_mute where source_id = $id{m1}"), 't', '... for a while');
    $works->('... and heard', qw(unmute m1));
    $refused->(qr/is not muted/, qw(unmute m1));
    $refused->(qr/no participant "nobody"/, qw(mute nobody));
    $works->('a group is muted', qw(mute --study default --group one));
    $works->('... and heard', qw(unmute --study default --group one));
    $refused->(qr/needs a participant, or --group/, 'mute');
    is(value("select string_agg(distinct action, ' ' order by action) from access_log where action like 'alert-%'"), 'alert-mute alert-rule-set alert-rule-unset alert-unmute', 'who changes what is in the access log');
    value("update source_status set battery = 5 where source_id = $id{m1}");
    check();
    like($works->('alerts are listed', 'list'), qr/ critical +20\S+ \S+ +m1 +battery at 5 % in the last report \(limit 20 %\)$/m, '... for people');
    is(from_json($works->('... as JSON', qw(list --json --study default)))->[0]{participant}{identifier}, 'm1', '... and for programs');
    unlike($works->('closed ones', qw(list --state closed --limit 1)), qr/m1/, '... apart');
    value('update source_status set battery = null');
    check();
};

subtest 'the job' => sub {
    source("crowd$_", {}, { last_received => ago('3 days') }) for 1 .. 20;
    my $url = $pg->url =~ s/user=\w+/user=wm_jobs/r;
    my @pids = map { WmTest::spawn(workdir() . "/once$_.log", {}, builddir() . '/jobs/webmunkd', '-d', $url, '--once', 'status-checks') } 1 .. 3;
    for (@pids) { waitpid($_, 0); is($?, 0, 'one of three at the same time') }
    is(value("select count(*) from alert where closed is null"), 20, 'open one alert for each');
    is(value("select count(*) from alert a join source s on s.id = a.source_id where s.identifier like 'crowd%'"), 20, '... once');
    my $done = webmunkd($pg, '-d', $url, '--once', 'status-checks');
    like($done->{out}, qr/^opened 0 alerts, closed 0; 20 are open$/, 'it says what it did');
    my @runners = map { WmTest::spawn(workdir() . "/run$_.log", {}, builddir() . '/jobs/webmunkd', '-d', $url, 'run', '--poll', '1') } 1, 2;
    WmTest::guard(sub { WmTest::reap($_, 'KILL') for @runners });
    ok((wait_until { value("select count(*) from job where name = 'status-checks' and state = 'done'") } 'the checks to run', 30), 'runners run the checks');
    is(value("select every from schedule where name = 'status-checks' and built_in"), '00:05:00', 'it comes every five minutes by itself');
    is(value("select count(*) from job where name = 'status-checks'"), 1, '... once for two runners');
    is(value("select count(*) from alert a join source s on s.id = a.source_id where s.identifier like 'crowd%'"), 20, '... and opens nothing twice');
    kill 'TERM', @runners;
    waitpid($_, 0) for splice @runners;
};
done_testing();
