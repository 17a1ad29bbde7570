#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Signing in and out, and everything that must not get in.
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
my $password = people($pg, alice => 'manager', victor => 'viewer', nora => undef, dora => 'manager');
my $httpd    = WmTest::Httpd->start(pg => $pg, server => <<"EOT");
ServerAdmin study-desk\@example.org
<Location "/managers">
    SetHandler webmunk
    WebmunkServe dashboard
    AuthType webmunk
    AuthName "Webmunk"
    Require webmunk-role manager administrator
</Location>
EOT

sub calm { $pg->do('delete from login_throttle'); return }
sub sessions { return $pg->scalar('select count(*) from session') }
sub signed_in { return WmTest::Browser->signed_in($httpd, $_[0], $password) }

subtest 'nobody is signed in' => sub {
    my $answer = $httpd->get('/dashboard/participants?state=silent&q=a%20b');
    is($answer->{status}, 303, 'a page leads to the sign-in page');
    is(header($answer, 'location'),
        '/dashboard/sign-in?next=%2fdashboard%2fparticipants%3fstate%3dsilent%26q%3da%2520b', '... and says the way back');
    is(header($httpd->get('/dashboard/'), 'location'), '/dashboard/sign-in', 'the first page needs no way back');
    for my $path ('/dashboard/participants.json', '/dashboard/overview.json') {
        $answer = $httpd->get($path);
        is($answer->{status}, 401, "$path answers 401");
        is(header($answer, 'content-type'), 'application/problem+json', '... as a problem document');
        is(from_json($answer->{content})->{status}, 401, '... that says so');
        like(header($answer, 'www-authenticate'), qr/\S/, '... and how to sign in (RFC 9110)');
        is(header($answer, 'location'), '', '... and leads nowhere');
    }
    is($httpd->get('/dashboard/', { accept => 'application/json' })->{status}, 401, 'a request for JSON answers 401');
    is($httpd->get('/dashboard/', { 'sec-fetch-mode' => 'cors' })->{status}, 401, 'a request by script answers 401');
    is($httpd->post('/dashboard/sign-out', {})->{status}, 401, 'signing out answers 401');
    is($httpd->get('/dashboard/nothing-here')->{status}, 303, 'which pages exist is not told');
    is(header($httpd->get('/dashboard/sign-out'), 'location'), '/dashboard/sign-in', 'who signs in does not come to the sign-out address');
    is($httpd->get('/dashboard/', { cookie => '__Host-webmunk=' . 'A' x 43 })->{status}, 303, 'an invented session is none');
    is($httpd->get('/dashboard/', { cookie => "__Host-webmunk=' or 1=1 --" })->{status}, 303, '... and so is nonsense');
    is($httpd->get('/dashboard/', { 'x-remote-user' => 'alice', 'remote-user' => 'alice', authorization => 'Basic YWxpY2U6eA==' })
            ->{status}, 303, 'a name in a header is nobody');
    is($httpd->get('/dashboard/assets/webmunk.css')->{status}, 200, 'the style sheet is for everybody');
    is(sessions(), 0, 'requests without session make none');
};

subtest 'the way in and out' => sub {
    my $browser = WmTest::Browser->new($httpd);
    my $form    = $browser->get('/dashboard/sign-in');
    is($form->{status}, 200, 'the sign-in page is there');
    like($form->{content}, qr{<form method="post" action="/dashboard/sign-in">}, '... with a form');
    is(header($form, 'cache-control'), 'no-store', '... that nobody keeps');
    my $answer = $browser->sign_in('alice', $password);
    is($answer->{status}, 303, 'name and password open a session');
    is(header($answer, 'location'), '/dashboard/', '... and lead to the first page');
    my $set        = WmTest::Browser::set_cookies($answer);
    my $key        = $set->{'__Host-webmunk'}{value};
    my $attributes = $set->{'__Host-webmunk'}{attributes};
    is(length $key, 43, 'the cookie has a key of 256 bits');
    like($attributes, qr/\b$_\b/, "... and is $_") for qw(Secure HttpOnly SameSite=Lax);
    like($attributes, qr{\bPath=/(?:;|$)}, '... for the whole host, as its prefix wants');
    unlike($attributes, qr/Domain|Expires|Max-Age/i, '... and ends with the browser');
    unlike(json([ $pg->rows('select * from session') ]), qr/\Q$key\E/, 'the database has no key');

    my $page = $browser->get('/dashboard/');
    is($page->{status}, 200, 'the page is served');
    like($page->{content}, qr/first time that this account signed in/, '... and says that it is the first time');
    unlike($browser->get('/dashboard/')->{content}, qr/first time that/, '... once');
    is($browser->get('/dashboard/sign-in')->{status}, 303, 'the sign-in page leads on whoever is signed in');
    is($browser->get('/dashboard/nothing-here')->{status}, 404, 'what does not exist is 404');

    my %old = %{ $browser->cookies };
    my $visit = $browser->get('/dashboard/sign-out');
    is($visit->{status}, 405, 'there is no signing out by GET');
    is(header($visit, 'allow'), 'POST, OPTIONS', '... and which method there is, is said');
    like($visit->{content}, qr/To sign out, use the button/, '... in words too');
    like($visit->{content}, qr{<form[^>]*action="/dashboard/sign-out">.*?<button[^>]*>Sign out</button>}s, '... beside the button');
    is($browser->request('DELETE', '/dashboard/sign-in')->{status}, 405, 'another method is refused elsewhere, too');
    is($browser->get('/dashboard/')->{status}, 200, '... and it has no effect');
    $answer = $browser->post('/dashboard/sign-out', { csrf => WmTest::Browser::token($page) });
    is($answer->{status}, 303, 'signing out leads to the sign-in page');
    is(header($answer, 'location'), '/dashboard/sign-in', '... of this location');
    ok(!exists $browser->cookies->{'__Host-webmunk'}, 'the cookie is gone');
    is(sessions(), 0, 'the session is gone');
    $browser->{cookies} = \%old;
    is($browser->get('/dashboard/')->{status}, 303, 'an old key opens nothing');

    $browser->{cookies} = {};
    $browser->sign_in('alice', $password);
    like($browser->get('/dashboard/')->{content}, qr/You last signed in on \d{4}-\d\d-\d\d \d\d:\d\d UTC/,
        'the second time says when the first was');
    is_deeply([ $pg->list("select concat_ws(' ', action, via, account, result, address) from access_log
                           where action like 'sign%' order by id") ],
        [ map { "$_ session alice ok 127.0.0.1" } qw(sign-in sign-out sign-in) ], 'the access log has all three');
};

subtest 'a wrong password says nothing' => sub {
    my %seen;
    for my $try ([ 'alice', 'wrong' ], [ 'nobody-of-this-name', $password ], [ 'alice', '' ], [ '', '' ], [ "al\x{e9}", 'x' ]) {
        calm();
        my $answer = WmTest::Browser->new($httpd)->sign_in(@$try);
        is($answer->{status}, 401, "\"$try->[0]\" is refused" =~ s/[^ -~]/./gr);
        my $text = $answer->{content};
        $text =~ s/value="[\w-]{43}"//g;
        $text =~ s{<code>[^<]*</code>}{}g;
        $seen{$text}++;
        ok(!exists WmTest::Browser::set_cookies($answer)->{'__Host-webmunk'}, '... without a session');
    }
    is(scalar keys %seen, 1, 'all refusals are the same page');
    like((keys %seen)[0], qr/Name or password is wrong/, '... in neutral words');
    my @rows = $pg->rows("select * from access_log where result = 'failed'");
    is(scalar @rows, 5, 'each is a row of the access log');
    is(scalar(grep { defined $_->{account} } @rows), 0, '... without the name, which may be a password');
    unlike($httpd->error_log, qr/nobody-of-this-name|\Q$password\E/, 'the error log has neither name nor password');
};

subtest 'guessing has to wait' => sub {
    for my $name ('alice', 'nobody-of-this-name') {
        calm();
        my @answers = map { WmTest::Browser->new($httpd)->sign_in($name, "guess $_") } 1 .. 5;
        is_deeply([ map { $_->{status} } @answers ], [ (401) x 5 ], "five failures of $name are free");
        # The first wait is a second, which a slow machine may take for its next attempt; each failure doubles it.
        my $refused;
        for (1 .. 10) {
            $refused = WmTest::Browser->new($httpd)->sign_in($name, "guess again $_");
            last if $refused->{status} != 401;
        }
        is($refused->{status}, 429, '... and no more');
        like(header($refused, 'retry-after'), qr/^[1-9]\d*$/, '... which says for how long');
        like($refused->{content}, qr/Too many attempts. Try again in \d+ second/, '... in words');
    }
    calm();
    WmTest::Browser->new($httpd)->sign_in('alice', 'guess');
    $pg->do("update login_throttle set blocked_until = now() + interval '1 hour' where failures = 1");
    is(WmTest::Browser->new($httpd)->sign_in('alice', $password)->{status}, 429, 'the right password has to wait too');
    calm();
    is(WmTest::Browser->new($httpd)->sign_in('alice', $password)->{status}, 303, '... and no longer than that');
};

subtest 'forms come from our own pages' => sub {
    calm();
    my $browser = WmTest::Browser->new($httpd);
    my %how = (
        'from another site'             => { 'sec-fetch-site' => 'cross-site' },
        'from another host of the site' => { 'sec-fetch-site' => 'same-site' },
        'by Origin of another host'     => { 'sec-fetch-site' => undef, origin => 'https://evil.example' },
        'by Origin null'                => { 'sec-fetch-site' => undef, origin => 'null' },
    );
    for my $what (sort keys %how) {
        is($browser->sign_in('alice', $password, {}, $how{$what})->{status}, 403, "signing in $what is refused");
    }
    is($browser->sign_in('alice', $password, { csrf => 'x' x 43 })->{status}, 403, 'signing in with an invented token is refused');
    is($browser->sign_in('alice', $password, { csrf => '' })->{status}, 403, '... and without one');
    my $other = WmTest::Browser::token(WmTest::Browser->new($httpd)->get('/dashboard/sign-in'));
    is($browser->sign_in('alice', $password, { csrf => $other })->{status}, 403, '... and with that of another browser');
    is($httpd->post('/dashboard/sign-in', { user => 'alice', password => $password, csrf => $other })->{status}, 403,
        '... and without the cookie of the form');

    for my $how ([ { csrf => 'x' x 43 }, {}, qr/This page was too old. Sign in once more\./ ],
        [ {}, { cookie => '' }, qr/Your browser sent no cookie of this page\..*allow cookies/ ]) {
        my $answer = $browser->sign_in('alice', $password, { location => '/dashboard/alerts', %{ $how->[0] } }, $how->[1]);
        is($answer->{status}, 403, 'a form that cannot be taken');
        like($answer->{content}, qr{<p class="notice problem" role="alert">$how->[2]}, '... comes again with the reason');
        like($answer->{content}, qr{name="location" value="/dashboard/alerts"}, '... and the way back');
        ok(!exists WmTest::Browser::set_cookies($answer)->{'__Host-webmunk'}, '... without a session');
    }
    my $tab = WmTest::Browser::token($browser->get('/dashboard/sign-in'));
    is($browser->sign_in('alice', $password)->{status}, 303, 'signing in from the form works');
    my $late = $browser->post('/dashboard/sign-in', { user => 'alice', password => 'x', csrf => $tab, location => '/dashboard/alerts' });
    is($late->{status}, 303, 'another tab with the form goes on');
    is(header($late, 'location'), '/dashboard/alerts', '... where it was going');
    my $token = WmTest::Browser::token($browser->get('/dashboard/'));
    for my $what (sort keys %how) {
        is($browser->post('/dashboard/sign-out', { csrf => $token }, $how{$what})->{status}, 403, "signing out $what is refused");
    }
    is($browser->post('/dashboard/sign-out', {})->{status}, 403, 'signing out without token is refused');
    my $foreign = WmTest::Browser::token(signed_in('victor')->get('/dashboard/'));
    is($browser->post('/dashboard/sign-out', { csrf => $foreign })->{status}, 403, '... and with the token of somebody else');
    is(signed_in('alice')->post('/dashboard/sign-out', { csrf => $token })->{status}, 403, '... and with that of another session');
    is($browser->request('POST', '/dashboard/sign-out', { headers => { 'content-type' => 'application/json' }, content => '{}' })
            ->{status}, 415, '... and as JSON');
    is($browser->post('/dashboard/sign-out', { csrf => $token }, { 'sec-fetch-site' => 'x', origin => $httpd->url })->{status}, 403,
        'a Sec-Fetch-Site that no browser sends is no proof');
    is($browser->get('/dashboard/')->{status}, 200, 'after all that the session is still there');
    is($browser->post('/dashboard/sign-out', { csrf => $token }, { 'sec-fetch-site' => undef, origin => $httpd->url })->{status}, 303,
        'a browser that sends Origin only can sign out');
};

subtest 'the way back stays on this host' => sub {
    for my $next ('//evil.example/', '/\\evil.example', 'https://evil.example/', 'javascript:alert(1)', '/\\/evil.example',
        "/x\r\nSet-Cookie: a=b", "/\tx", 'evil.example', '/' . 'a' x 3000, "/caf\x{e9}") {
        calm();
        my $answer = WmTest::Browser->new($httpd)->sign_in('alice', $password, { location => $next });
        is(header($answer, 'location'), '/dashboard/', 'not to ' . substr($next =~ s/[^ -~]/./gr, 0, 30));
        ok(!exists WmTest::Browser::set_cookies($answer)->{a}, '... and no header is made of it') if $next =~ /\n/;
    }
    my $back    = '/dashboard/participants?state=silent&q=a%20b';
    my $browser = WmTest::Browser->new($httpd);
    my $form    = $browser->get(header($browser->get($back), 'location'));
    my ($location) = $form->{content} =~ /name="location" value="([^"]*)"/;
    is($location =~ s/&amp;/&/gr, $back, 'the form carries what was asked for');
    is(header($browser->sign_in('alice', $password, { location => $back }), 'location'), $back, '... and leads there');
    unlike(WmTest::Browser->new($httpd)->get('/dashboard/sign-in?next=//evil.example/')->{content}, qr/evil/,
        'an address of another host does not get into the form');
    is(header(signed_in('alice')->get('/dashboard/sign-in?next=//evil.example/'), 'location'), '/dashboard/',
        '... nor past it when somebody is signed in');
};

subtest 'a session is fresh and ends' => sub {
    calm();
    my $planted = 'P' x 43;
    my $browser = WmTest::Browser->new($httpd);
    $browser->{cookies}{'__Host-webmunk'} = $planted;
    $browser->sign_in('alice', $password);
    my $first = $browser->cookies->{'__Host-webmunk'};
    isnt($first, $planted, 'a key that was planted before is not taken over');
    is($httpd->get('/dashboard/', { cookie => "__Host-webmunk=$planted" })->{status}, 303, '... and opens nothing');

    my $again = WmTest::Browser->new($httpd);
    my $token = WmTest::Browser::token($again->get('/dashboard/sign-in'));
    $again->{cookies}{'__Host-webmunk'} = $first;
    is($again->post('/dashboard/sign-in', { user => 'alice', password => $password, csrf => $token })->{status}, 303,
        'signing in again from the same browser works');
    isnt($again->cookies->{'__Host-webmunk'}, $first, '... with a new key');
    is($httpd->get('/dashboard/', { cookie => "__Host-webmunk=$first" })->{status}, 303, '... and the session before is over');

    for my $end ([ "last_used = last_used - interval '9 hours'", 'that nobody used for hours' ],
        [ "expires = now() - interval '1 second'", 'that is too old' ]) {
        my $idle = signed_in('alice');
        is($idle->get('/dashboard/')->{status}, 200, 'a session is good');
        $pg->do("update session set $end->[0]");
        is($idle->get('/dashboard/')->{status}, 303, "... but not one $end->[1]");
    }
    my $dora = signed_in('dora');
    is($dora->get('/dashboard/')->{status}, 200, 'an account is in');
    is(webmunkd($pg, 'account', 'disable', 'dora')->{code}, 0, 'it is disabled');
    is($dora->get('/dashboard/')->{status}, 303, '... and out');
    my $answer = WmTest::Browser->new($httpd)->sign_in('dora', $password);
    is($answer->{status}, 401, '... and does not get in again');
    like($answer->{content}, qr/Name or password is wrong/, '... without learning why');
};

subtest 'roles' => sub {
    calm();
    my $nora   = signed_in('nora');
    my $answer = $nora->get('/dashboard/');
    is($answer->{status}, 403, 'an account without role gets no page');
    like($answer->{content}, qr/Ask the administrator of this server, study-desk\@example\.org, for a role in a study/,
        '... but the words whom to ask');
    is(from_json($nora->get('/dashboard/overview.json')->{content})->{status}, 403, '... also as a problem document');
    my $victor = signed_in('victor');
    is($victor->get('/dashboard/')->{status},             200, 'a viewer sees the overview');
    is($victor->get('/dashboard/participants')->{status}, 200, '... and who sends');
    is($victor->get('/dashboard/participant?id=x&tab=points')->{status}, 403, '... but not what they sent');
    $answer = $victor->get('/managers/');
    is($answer->{status}, 403, 'Require webmunk-role refuses a role that is too weak');
    like($answer->{content}, qr/Your account may not do this/, '... in words');
    like(header($answer, 'content-security-policy'), qr/default-src/, '... with the headers of a page');
    is(header($victor->get('/managers/overview.json'), 'content-type'), 'application/problem+json', '... or as a problem document');
    is(signed_in('alice')->get('/managers/')->{status}, 200, '... and lets in who has one of the roles');
    is($httpd->get('/managers/')->{status}, 303, '... and asks who is not signed in');
    is($httpd->get('/managers/sign-in')->{status}, 200, '... on a page that everybody gets');
    is($httpd->get('/dashboard/refused')->{status}, 404, 'the page of words is no address');
};

$httpd->log_ok('AH01631');
done_testing();
