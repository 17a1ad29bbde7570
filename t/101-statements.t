#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Every statement of sql/queries is prepared against the migrated schema and explained over tables with some data: one
# that has no index to go by for a big table stands on the slow list below, and the list may not be stale.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Postgres;

# Tables that grow without end, partitions included.
my %big = map { $_ => 1 } qw(data_point bundle bundle_source source_day quarantine attachment access_log access_log_source);

# Statement and table: why reading all of it is right.
my %slow = (
);

# What PREPARE does not take.
my %utility = map { $_ => 1 } qw(migrate_create_schema migrate_create_table);

# What the server's own role may not do: the command line's work.
my %not_web = map { $_ => 1 } qw(audit_head_add account_add account_disable account_grant account_grant_right account_mail account_password
    account_ungrant account_ungrant_right alert_digest
    alert_mute_group alert_mute_source alert_rule_set alert_rule_unset alert_unmute_group alert_unmute_source alert_update delivery_begin delivery_done
    delivery_error delivery_keep demo_generators demo_groups destination_again destination_remove export_days_made export_days_next
    export_deliver export_delivery_job export_parts_add export_sources_keep forward_failed health_keep job_claim job_finish job_noted
    job_partitions job_purge job_schedule_remove job_schedule_tick mail_purge merge_add merge_again merge_forget merge_undo migrate_partitions migrate_record
    migrate_secret server_add server_assign server_backfill server_lock server_pause server_remove server_replace server_tested
    server_unassign token_add token_revoke);

my (%text, $name);
for my $file (glob(srcdir() . '/sql/queries/*.sql')) {
    undef $name;
    for (split(/\n/, slurp($file))) {
        if (/^-- name: (\w+)(?: prepared)?$/) { $name = $1; $text{$name} = '' }
        elsif (!/^\s*--/ && /\S/) { $text{$name} .= "$_\n" }
    }
}
s/[\s;]+\z// for values %text;
my $ids = slurp(builddir() . '/lib/wm_sql_ids.h');
is_deeply([ sort keys %text ], [ sort map { lc } grep { $_ ne 'COUNT' } $ids =~ /^ +WM_SQL_(\w+),?$/mg ],
    'the statements here are those of the generated table');
ok(%text > 20, 'there are statements');

my $pg = WmTest::Postgres->start;
$pg->do('select partitions_ahead(2, 2)');
$pg->do(<<'EOT');
insert into source (identifier, name, study_id) select 's' || n, 's' || n, 1 from generate_series(1, 200) n;
insert into generator (identifier, label) select 'g' || n, 'g' || n from generate_series(1, 10) n;
insert into agent (generator, user_agent) values ('g', 'a');
insert into bundle (received, uid, body_digest, source_id, method, form, points)
select now() - n * interval '6 minutes', md5('u' || n)::uuid, md5('b' || n)::uuid, n % 200 + 1, 'POST', 'json', 2
  from generate_series(1, 10000) n;
insert into bundle_source (bundle_id, received, source_id) select id, received, source_id % 200 + 1 from bundle;
insert into data_point (id, source_id, created, recorded, digest, generator_id, agent_id, properties)
select id << 20 | n, source_id, received - n * interval '1 second', recorded, md5(id || '.' || n)::uuid, n % 10 + 1, 1, '{}'
  from bundle, generate_series(1, 3) n;
insert into source_day (source_id, generator_id, day)
select s, g, current_date - d from generate_series(1, 200) s, generate_series(1, 10) g, generate_series(0, 9) d;
insert into source_status (source_id, last_received) select id, now() from source;
insert into quarantine (received, bundle_id, reason, raw) select received, id, 'bad-json', 'x' from bundle;
insert into attachment (bundle_id, identifier, content_type, bytes, sha256, path)
select id, 'f', 'text/plain', 1, 'x', 'f' from bundle;
insert into access_log (id, at, via, action, source_count, result, previous, hash)
select n, now(), 'none', 'page', 2, 'ok', 'x', 'x' from generate_series(1, 5000) n;
insert into access_log_source (source_id, log_id) select n % 200 + s, n from generate_series(1, 5000) n, generate_series(1, 2) s;
insert into account (name) select 'a' || n from generate_series(1, 50) n;
analyze;
EOT

# Nodes that read a big table from end to end: a sequential scan that remains when there is any other way, or an index
# scan without condition, unless a limit stops it.
sub full_scans
{
    my ($plan, $limited, $found) = @_;
    my $type = $plan->{'Node Type'};
    my $relation = ($plan->{'Relation Name'} // '') =~ s/_(?:default|\d{6})\z//r;
    $limited ||= $type eq 'Limit';
    if ($big{$relation} && !($plan->{'One-Time Filter'})) {
        $found->{$relation} = 1 if $type =~ /Seq Scan/;
        $found->{$relation} = 1 if $type =~ /^Index (?:Only )?Scan/ && !$plan->{'Index Cond'} && !$limited;
    }
    # Below a sort or an aggregate, a limit above stops nothing.
    undef $limited if $type =~ /^(?:Sort|Aggregate|Hash|WindowAgg)/;
    full_scans($_, $limited, $found) for @{ $plan->{Plans} || [] };
    return $found;
}

my %seen;
for my $statement (sort keys %text) {
    my $sql = $text{$statement};
    if ($utility{$statement}) {
        like($sql, qr/^CREATE /, "$statement is no query");
        next;
    }
    my %used = map { $_ => 1 } $sql =~ /\$(\d+)/g;
    my ($count) = sort { $b <=> $a } keys %used, 0;
    # Statements of one family take the same parameters; one that does not need them all has nothing to tell their type.
    my $types = $count ? '(' . join(',', map { $used{$_} ? 'unknown' : 'text' } 1 .. $count) . ')' : '';
    my $arguments = $count ? '(' . join(',', ('null') x $count) . ')' : '';
    my $out = eval {
        $pg->query("set plan_cache_mode = force_generic_plan; set enable_seqscan = off; set jit = off;
            prepare s $types as $sql;
            select coalesce(max(cardinality(parameter_types)), 0) from pg_prepared_statements where name = 's';
            explain (format json, costs off) execute s $arguments", '-A', '-t');
    };
    if (!ok(defined $out, "$statement is understood")) { diag($@); next }
    my $web = eval { $pg->query("set role wm_web; prepare s $types as $sql; explain (costs off) execute s $arguments", '-o', '/dev/null'); 1 };
    ok($not_web{$statement} ? !$web && $@ =~ /permission denied/ : $web,
        "$statement: the server's role may" . ($not_web{$statement} ? ' not' : '')) or diag($@);
    my ($parameters, $json) = $out =~ /\A(\d+)\n(.*)/s;
    is($parameters, $count, "$statement: the database counts its parameters as the generated table does");
    my $scans = full_scans(from_json($json)->[0]{Plan}, 0, {});
    for my $table (sort keys %$scans) {
        $seen{"$statement $table"} = 1;
        ok($slow{"$statement $table"}, "$statement may read all of $table") or diag($json);
    }
}
is_deeply([ grep { !$seen{$_} } sort keys %slow ], [], 'the slow list names nothing that is not so');
is_deeply([ grep { !$text{$_} } sort(keys %utility, keys %not_web) ], [], 'nor do the other lists');

# The guard itself: a statement without index is found.
my $plan = $pg->query("set enable_seqscan = off; explain (format json, costs off) select count(*) from data_point where flags = 7", '-A', '-t');
is_deeply(full_scans(from_json($plan)->[0]{Plan}, 0, {}), { data_point => 1 }, 'a scan of all points would be seen');

# The names of flags are the same in C and in SQL.
my @flags = slurp(srcdir() . '/lib/wm_point.h') =~ /X\(WM_F_\w+,\s*(\d+),\s*"([^"]+)"\)/g;
ok(@flags > 20, 'wm_point.h lists flags');
my ($all, @names) = (0);
while (my ($bit, $word) = splice(@flags, 0, 2)) {
    is($pg->scalar('select flag_names($1)', 1 << $bit), "{$word}", "bit $bit is $word in both");
    push @names, [ $bit, $word ];
    $all |= 1 << $bit;
}
is_deeply([ $pg->list('select unnest(flag_names(2147483647))') ], [ map { $_->[1] } sort { $a->[0] <=> $b->[0] } @names ],
    'and SQL knows no other');
done_testing();
