#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The form at the head of a participant's page: who may exclude whom from exports, what the page says then, and what is kept.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Browser;
use WmTest::Httpd;
use WmTest::Postgres;

need_module();
my $pg       = WmTest::Postgres->start;
my $password = people($pg, alice => 'manager', ann => 'analyst', carl => 'coordinator', audrey => 'auditor', eve => 'coordinator');
my $evil     = '<script>alert("x")</script>';
$pg->do(<<'EOS');
insert into study (slug, name) values ('other', 'Other study');
update role_grant set study_id = 1 where account_id in (select id from account where name in ('alice', 'ann', 'carl'));
update role_grant set study_id = 2 where account_id = (select id from account where name = 'eve');
insert into source (identifier, name, study_id) values ('p1', 'One', 1), ('p2', 'Two', 1), ('p3', 'Three', 2), ('loose', '', null);
EOS
my %id = map { $_ => $pg->scalar('select id from source where identifier = $1', $_) } qw(p1 p2 p3 loose);
my $httpd = WmTest::Httpd->start(pg => $pg);
my %who   = map { $_ => WmTest::Browser->signed_in($httpd, $_, $password) } qw(alice ann carl audrey eve);
my %token = map { $_ => WmTest::Browser::token($who{$_}->get('/dashboard/')) } keys %who;

sub page  { my ($who, $name) = @_; return $who{$who}->get("/dashboard/participant?id=$name")->{content} }
sub words { return $_[0] =~ s/<[^>]*>/ /gr =~ s/\s+/ /gr }
sub excluded { return join ' ', $pg->list('select identifier from source where unexported is not null order by 1') }

# What the form of WHO does to the participant NAME: the answer.
sub change
{
    my ($who, $name, $what, %form) = @_;
    return $who{$who}->post("/dashboard/participants/$id{$name}/$what", { csrf => $token{$who}, reason => 'because', %form });
}

like(words(page('carl', 'p1')), qr/Exports included Exclude from exports .* Why, for the access log/, 'a coordinator has the form');
like(words(page('ann', 'p1')), qr/Exports included/, 'an analyst sees whether exports have them');
unlike(page('ann', 'p1'), qr{/exclude"}, '... and no form');
is(change('ann', 'p1', 'exclude')->{status}, 403, '... nor its right');
is(change('audrey', 'p1', 'exclude')->{status}, 404, 'who sees no participant learns of none');
is(change('eve', 'p1', 'exclude')->{status}, 404, '... nor of those of another study');
is(change('carl', 'p3', 'exclude')->{status}, 404, '... and the other way round');
is(change('carl', 'p1', 'exclude', csrf => 'x')->{status}, 403, 'a form without its token is refused');
is(change('carl', 'p1', 'exclude', reason => "\t ")->{status}, 400, '... one that says no reason');
is(change('carl', 'p1', 'exclude', reason => 'x' x 2001)->{status}, 400, '... or too long a one');
is(change('carl', 'p1', 'hide')->{status}, 404, '... and a button that does not exist');
is($who{carl}->post("/dashboard/participants/$_/exclude", { csrf => $token{carl}, reason => 'x' })->{status}, 404, "... and participant $_")
    for 0, 999999, 'x', '-1', '9' x 30;
is($who{carl}->get("/dashboard/participants/$id{p1}/exclude")->{status}, 405, 'nothing changes by GET');
is(excluded() . $pg->scalar("select count(*) from access_log where action ~ '^source-'"), '0', 'nothing of that changed anything');

my $answer = change('carl', 'p1', 'exclude', reason => "  $evil");
is($answer->{status}, 303, 'a participant is excluded');
is(excluded(), 'p1', '... alone');
like(words($who{carl}->get($answer->{headers}{location})->{content}), qr/p1 .* Exports excluded since \d{4}-\d\d-\d\d .* Include in exports/, '... which the page says that one comes to');
my $row = $pg->row("select l.*, (select source_id from access_log_source where log_id = l.id) as whom from access_log l where action = 'source-exclude'");
is_deeply([ @$row{qw(account via object purpose whom result)} ], [ 'carl', 'session', "source:$id{p1}", $evil, $id{p1}, 'ok' ], 'the access log has who, whom and why');
is(from_json($who{ann}->get('/dashboard/participant.json?id=p1')->{content})->{participant}{skipped}, 'excluded from exports', 'JSON says the same');
is(change('alice', 'p1', 'exclude')->{status}, 303, 'once more');
is($pg->scalar("select count(*) from access_log where action = 'source-exclude'"), 1, '... is no other change');
is(change('alice', 'p1', 'include')->{status}, 303, 'a manager includes them again');
is(excluded(), '', '... and they are');
like(words(page('carl', 'p1')), qr/Exports included/, '... which the page says');
is(change('carl', 'loose', 'exclude')->{status}, 303, 'who is on no list can be excluded, too');
$pg->do("update source set withdrawn = now() where identifier = 'p2'");
like(words(page('carl', 'p2')), qr/Exports left out: withdrawn/, 'who withdrew is in no export anyway');
$pg->do("update source set merged_into = $id{p1} where identifier = 'p2'");
is(change('carl', 'p2', 'exclude')->{status}, 409, 'who is merged goes by the other');
$httpd->log_ok;
done_testing();
