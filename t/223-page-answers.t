#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What holds for every page, whatever it says: form, headers, refresh, rights, and the row of the access log that
# is written first.
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
my $pg = WmTest::Postgres->start;
$pg->do('select partitions_ahead(1, 1)');
my $password = people($pg, alice => 'manager', victor => 'viewer', audrey => 'auditor', adam => 'administrator');
my $httpd    = WmTest::Httpd->start(pg => $pg);
my $evil     = '<script>alert("x")</script>&\'';

my $bundle = json([ map { { text => $evil, $evil => 1, 'passive-data-metadata' => { source => $evil, generator => "$evil: t/1",
    'generator-id' => $evil, timestamp => time - $_ } } } 1 .. 3 ]);
is($httpd->post('/data/add-bundle.json', { payload => $bundle }, { 'user-agent' => $evil })->{status}, 201, 'a device sends markup everywhere');
my $source = $pg->scalar('select id from source');
my $id     = HTTP::Tiny->new->www_form_urlencode({ id => $evil });

my $alice = WmTest::Browser->signed_in($httpd, 'alice', $password);
$alice->get('/dashboard/');    # says when the last sign-in was
my %pages = (
    overview => '/dashboard/', participants => '/dashboard/participants', unassigned => '/dashboard/unassigned',
    participant => "/dashboard/participant?$id",
    map { ("participant, $_" => "/dashboard/participant?$id&tab=$_") } qw(day generators uploads points),
);
my %json = map { $_ => $pages{$_} =~ s{^/dashboard/(\w*)}{'/dashboard/' . ($1 || 'overview') . '.json'}er } keys %pages;

sub log_rows { return $pg->rows('select * from access_log order by id') }

subtest 'what to do next' => sub {
    my $token = WmTest::Browser::token($alice->get('/dashboard/'));
    my $detail = sub { return from_json($_[0]{content})->{detail} };
    like($alice->get('/dashboard/participants?sort=x')->{content}, qr/not of this page: open it without that/, 'an argument that is none');
    like($detail->($alice->get('/dashboard/participants.json?limit=x')), qr/question mark in the address/, '... also of JSON');
    like($alice->get('/dashboard/participant')->{content}, qr/The address says too little/, 'an address without what it needs');
    like($alice->get('/dashboard/participant?id=nobody')->{content}, qr/mistyped, or what it names is in a study that you may not see/, 'nothing there');
    like($detail->($alice->get('/dashboard/nothing.json')), qr/begin at the overview/, '... also as JSON');
    unlike($httpd->get('/dashboard/assets/none.css')->{content}, qr/mistyped/, '... but not to who is not signed in');
    my $answer = $alice->post("/dashboard/participants/$source/exclude", { csrf => $token });
    is($answer->{status}, 400, 'a form without what it needs');
    like($answer->{content}, qr/nothing was changed: go back and look at it once more/, '... says so');
    $answer = $httpd->post("/dashboard/participants/$source/exclude", { csrf => $token, reason => 'x' });
    is($answer->{status}, 401, 'a button after the session ended');
    like($httpd->post('/dashboard/sign-out', { csrf => $token })->{content}, qr/You were signed out already\./, '... of which signing out is no loss');
    like($answer->{content}, qr/signed out meanwhile, and nothing was changed: open the page once more, sign in/, '... says how to go on');
};

subtest 'forms' => sub {
    for my $name (sort keys %pages) {
        my $html = $alice->get($pages{$name});
        is($html->{status}, 200, "$name is a page");
        is(header($html, 'content-type'), 'text/html; charset=utf-8', '... of HTML');
        unlike($html->{content}, qr/<script>alert/, '... in which markup of a device is text');
        my $json = $alice->get($json{$name});
        is(header($json, 'content-type'), 'application/json', '... and JSON by its suffix');
        is(ref from_json($json->{content}), 'HASH', '... that can be read');
        my $preferred = $alice->get($pages{$name}, { accept => 'text/html;q=0.5, application/json' });
        is(header($preferred, 'content-type'), 'application/json', '... and by Accept');
        is(header($preferred, 'vary'), 'Accept', '... which is said');
        unlike($json->{content}, qr/csrf|__Host/, '... without the form token');
    }
    my $text = $alice->get("/dashboard/participant?$id&tab=points")->{content};
    like($text, qr/&lt;script&gt;alert\(&quot;x&quot;\)&lt;\/script&gt;&amp;&#39;/, 'markup can be read');
    for my $accept ('*/*', 'text/*', 'text/html, */*', 'application/json, text/html', 'application/json;q=0.1, text/html;q=0.2', 'image/png', '') {
        is(header($alice->get('/dashboard/', { accept => $accept }), 'content-type'), 'text/html; charset=utf-8', "\"$accept\" gets HTML");
    }
    for my $accept ('application/json', 'application/*', '*/*;q=0.1, application/json;q=0.2', 'APPLICATION/JSON;Q=1, text/html;q=0.999') {
        is(header($alice->get('/dashboard/', { accept => $accept }), 'content-type'), 'application/json', "\"$accept\" gets JSON");
    }
    for my $name ('participants', 'unassigned', 'participant') {
        my $csv = $alice->get("/dashboard/$name.csv?$id&tab=generators");
        is($csv->{status}, 200, "$name has CSV");
        like(header($csv, 'content-type'), qr{^text/csv; charset=utf-8}, '... of that type');
        is(header($csv, 'content-disposition'), "attachment; filename=\"$name.csv\"", '... to be kept under its name');
        like($csv->{content}, qr/^[a-z_0-9,]+\r\n/, '... with a header line');
    }
    my $head = $alice->request('HEAD', '/dashboard/participants');
    is($head->{status}, 200, 'HEAD works');
    is($head->{content} // '', '', '... without content');
    is($alice->request('DELETE', '/dashboard/participants')->{status}, 405, 'another method is refused');
    for my $path ('/dashboard/participants.xml', '/dashboard/participants.json.json', '/dashboard/a/b', '/dashboard/..%2f', '/dashboard/.json') {
        is($alice->get($path)->{status}, 404, "$path is no page");
    }
    is($alice->get('/dashboard/participants?q=' . 'a' x 5000)->{status}, 400, 'an argument has a bound');
    is($alice->get('/dashboard/participants?q=%ff')->{status}, 200, 'bytes that are no text are no argument');
};

subtest 'headers' => sub {
    for my $answer ($alice->get('/dashboard/'), $alice->get('/dashboard/overview.json'), $alice->get('/dashboard/participants.csv'),
        $alice->get('/dashboard/nothing'), $httpd->get('/dashboard/'), $httpd->get('/dashboard/sign-in')) {
        my $csp = header($answer, 'content-security-policy');
        like($csp, qr/default-src '(?:none|self)'/, "$answer->{status}: nothing from elsewhere");
        like($csp, qr/\b$_\b/, "... $_") for "base-uri 'none", "frame-ancestors 'none", "form-action 'self";
        unlike($csp, qr/unsafe|\*|https?:/, '... without a hole');
        is(header($answer, 'x-content-type-options'), 'nosniff', '... no sniffing');
        like(header($answer, 'referrer-policy'), qr/^(?:no-referrer|same-origin)$/, '... no referrer to others');
        is(header($answer, 'cache-control'), 'no-store', '... nobody keeps it');
    }
};

subtest 'refresh' => sub {
    for my $path ('/dashboard/participants', '/dashboard/participants.json', '/dashboard/') {
        my $first = $alice->get($path);
        my $etag  = header($first, 'etag');
        like($etag, qr/^"[0-9a-f]{32}"$/, "$path has an ETag");
        my $again = $alice->get($path, { 'if-none-match' => $etag });
        # The words for ages change with the clock: a second look is enough.
        ($etag, $again) = (header($again, 'etag'), $alice->get($path, { 'if-none-match' => header($again, 'etag') })) if $again->{status} == 200;
        is($again->{status}, 304, '... and is not sent again while it says the same');
        is($again->{content} // '', '', '... not at all');
        is($alice->get($path, { 'if-none-match' => '"x", W/' . $etag })->{status}, 304, '... also among others');
        is($alice->get($path, { 'if-none-match' => '"x"' })->{status}, 200, '... but to who has another');
    }
    my $etag = header($alice->get('/dashboard/participants'), 'etag');
    $httpd->post('/data/add-bundle.json', { payload => $bundle =~ s/"source":"/"source":"another /gr });
    is($alice->get('/dashboard/participants', { 'if-none-match' => $etag })->{status}, 200, 'news are sent');
};

subtest 'an open page does not keep a session' => sub {
    my $used = sub { return $pg->scalar("select extract(epoch from now() - max(last_used)) > 600 from session s
        join account a on a.id = s.account_id where a.name = 'alice'") };
    my %by = (
        'the part that reloads itself' => { 'hx-request' => 'true', 'hx-trigger' => 'live', 'sec-fetch-dest' => 'empty' },
        "the plots' numbers"           => { 'sec-fetch-dest' => 'empty', 'sec-fetch-mode' => 'cors' },
    );
    for my $what (sort keys %by) {
        $pg->do("update session set last_used = now() - interval '20 minutes'");
        is($alice->get('/dashboard/overview.json', $by{$what})->{status}, 200, "$what is served");
        is($used->(), 't', '... and does not count as use');
    }
    is($alice->get('/dashboard/', { 'sec-fetch-dest' => 'document' })->{status}, 200, 'a page that somebody opens is served');
    is($used->(), 'f', '... and counts');
};

subtest 'the access log comes first' => sub {
    my $rows = () = log_rows();
    $alice->get($pages{participants});
    $alice->get("/dashboard/participant.json?$id");
    $alice->get('/dashboard/participants.csv');
    my @new = (log_rows())[ $rows .. $rows + 2 ];
    is_deeply([ map { $_->{action} } @new ], [ 'view-participants', 'view-participant', 'view-participants' ], 'each view is a row');
    is_deeply([ map { $_->{account} } @new ], [ ('alice') x 3 ], '... of who looked');
    is_deeply([ map { $_->{extent}{form} } @new ], [qw(html json csv)], '... in which form');
    is_deeply([ map { $_->{source_count} } @new ], [ 2, 1, 2 ], '... with the number of participants');
    is_deeply([ map { ok(length $_->{request_id}) ? $_->{address} : '' } @new ], [ ('127.0.0.1') x 3 ], '... from where, by which request');
    is_deeply([ $pg->list('select source_id from access_log_source where log_id = $1', $new[1]{id}) ], [$source], '... and their ids');
    is($pg->scalar('select access_log_verify()'), undef, 'the chain holds');

    $rows = () = log_rows();
    my $etag = header($alice->get($json{participants}), 'etag');
    $alice->get($json{participants}, { 'if-none-match' => $etag });
    $alice->get('/dashboard/participant?id=nobody');
    $alice->get('/dashboard/assets/webmunk.css');
    is(scalar(() = log_rows()), $rows + 1, 'what shows nobody is no row');

    $pg->do('alter function access_log_add rename to access_log_add_away');
    for my $path (@pages{ sort keys %pages }, '/dashboard/participants.json', '/dashboard/participants.csv') {
        my $answer = $alice->get($path);
        is($answer->{status}, 500, "$path is not served when it cannot be recorded");
        unlike($answer->{content}, qr/alert\(|generator/, '... nothing of it');
    }
    is(WmTest::Browser->new($httpd)->sign_in('alice', $password)->{status}, 500, '... and nobody signs in unrecorded');
    is($pg->scalar("select count(*) from session s join account a on a.id = s.account_id where a.name = 'alice'"), 1,
        '... so no session is made');
    $pg->do('alter function access_log_add_away rename to access_log_add');
    is($alice->get('/dashboard/')->{status}, 200, 'afterwards all is well again');
};

subtest 'rights' => sub {
    my %may = (
        # counts, lists, points
        alice  => [ 200, 200, 200 ],
        victor => [ 200, 200, 403 ],
        adam   => [ 200, 200, 403 ],
        audrey => [ 200, 403, 403 ],
    );
    for my $name (sort keys %may) {
        my $who = WmTest::Browser->signed_in($httpd, $name, $password);
        my ($overview, $list, $points) = map { $who->get($_) } @pages{ 'overview', 'participants', 'participant, points' };
        is_deeply([ map { $_->{status} } $overview, $list, $points ], $may{$name}, "$name sees what the role may");
        is($who->get('/dashboard/participants.csv')->{status}, $may{$name}[1], '... also as CSV');
        is($who->get($json{'participant, points'})->{status}, $may{$name}[2], '... also as JSON');
        my $participant = $who->get($pages{'participant, generators'})->{content};
        is($participant =~ /tab=points/ ? 200 : 403, $may{$name}[2], '... and finds no link to what it may not');
    }
    $pg->do("update source_status set last_received = now() - interval '50 hours'");
    my $audrey = WmTest::Browser->signed_in($httpd, 'audrey', $password);
    my $page = from_json($audrey->get($json{overview})->{content});
    is($page->{bar}{total}, 2, 'an auditor sees the counts');
    is_deeply([ $page->{attention}, $page->{extent} ], [ [], [] ], '... and nobody in them');
    is(scalar @{ from_json($alice->get($json{overview})->{content})->{attention} }, 2, '... whom a manager sees');
};

# What Chromium sends for a page that somebody opens, its plots, and the part that reloads itself.
subtest 'a page left open does not fill the access log' => sub {
    my @open    = ({ 'sec-fetch-dest' => 'document', 'sec-fetch-mode' => 'navigate' });
    my @refresh = ({ 'hx-request' => 'true', 'hx-trigger' => 'live', 'sec-fetch-dest' => 'empty' }, { 'sec-fetch-dest' => 'empty' });
    my $rows = () = log_rows();
    my $more = sub { my $before = $rows; $rows = () = log_rows(); return $rows - $before };
    my $look = sub {
        my ($who, $query, @how) = @_;
        for my $how (@how) {
            my $path = $how->{'hx-request'} || $how->{'sec-fetch-mode'} ? "participants$query" : "participants.json$query";
            is($who->get("/dashboard/$path", $how)->{status}, 200, "$path is served");
        }
        return $more->();
    };
    is($look->($alice, '', @open, $refresh[1]), 1, 'a page and the numbers of its plots are one row');
    is($look->($alice, '', (@refresh) x 5), 0, '... which covers its refreshes');
    is($look->($alice, '', @open), 1, 'opening it again is another row');
    is($look->($alice, '?sort=-points', @refresh), 1, 'another address is another view, also when no page of it was opened');
    is($look->($alice, '?sort=-points', @refresh, {}), 1, 'a program that asks is a row each time');
    my $again = WmTest::Browser->signed_in($httpd, 'alice', $password);
    $more->();
    is($look->($again, '', @refresh), 1, 'another session is another view');
    is($look->($alice, '', @refresh), 0, '... beside which the first goes on');

    is($httpd->post('/data/add-bundle.json', { payload => $bundle =~ s/"source":"/"source":"late /gr })->{status}, 201, 'somebody new sends');
    is($look->($alice, '', @refresh), 1, 'a refresh that shows somebody new is a row');
    my $newest = (log_rows())[-1];
    is($newest->{source_count}, $pg->scalar('select count(*) from source where study_id is not null'), '... with everybody on it');
    is($look->($alice, '', @refresh), 0, '... and covers the next');
    is($pg->scalar('select access_log_verify()'), undef, 'the chain holds');

    $pg->do('alter table access_log disable trigger all;
             update access_log set at = at - interval \'16 minutes\'; alter table access_log enable trigger all');
    is($look->($alice, '', @refresh), 1, 'after a quarter of an hour there is another row');
    is($look->($alice, '', @refresh), 0, '... for the next quarter');
    $pg->do('alter table access_log disable trigger all; update access_log set at = at + interval \'16 minutes\'
              where id < (select max(id) from access_log); alter table access_log enable trigger all');
    is($pg->scalar('select access_log_verify()'), undef, 'the chain holds again');
};

subtest 'assets' => sub {
    my %type = ('webmunk.css' => 'text/css; charset=utf-8', 'webmunk.js' => 'text/javascript; charset=utf-8',
        'icons/webmunk.svg' => 'image/svg+xml');
    for my $name (sort keys %type) {
        my $answer = $httpd->get("/dashboard/assets/$name");
        is($answer->{status}, 200, "$name is there");
        is(header($answer, 'content-type'), $type{$name}, '... as what it is');
        is($answer->{content}, slurp("$httpd->{assets}/$name"), '... byte by byte');
        is(header($answer, 'cache-control'), 'public, no-cache', '... to be asked for each time');
        my $etag = header($answer, 'etag');
        is($httpd->get("/dashboard/assets/$name", { 'if-none-match' => $etag })->{status}, 304, '... which costs little');
        $etag =~ s/"//g;
        like(header($httpd->get("/dashboard/assets/$name?v=$etag"), 'cache-control'), qr/immutable/, '... or kept under its digest');
        unlike(header($httpd->get("/dashboard/assets/$name?v=f"), 'cache-control'), qr/immutable/, '... and no part of it');
    }
    for my $path ('../webmunk.conf', '..%2f..%2fetc/passwd', '%2e%2e/%2e%2e/etc/passwd', '/etc/passwd', 'package.json', '.npmrc',
        'node_modules/x.js', 'vendor', '', 'webmunk.css/', 'webmunk.css%00.js', 'nothing.css') {
        my $status = $httpd->get("/dashboard/assets/$path")->{status};
        ok($status == 404 || $status == 303 || $status == 400 || $path eq 'webmunk.css/', "\"$path\" leads nowhere") or diag($status);
    }
};

$httpd->log_ok('WM0102', '?AH10244', '?AH00026');
done_testing();
