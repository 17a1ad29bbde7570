#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Pages over data and addresses that try to do harm: every link of every page leads somewhere, nothing of a device is
# markup, no argument makes an error of the server.
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
my $password = people($pg, alice => 'manager');
my $httpd    = WmTest::Httpd->start(pg => $pg, children => 1);
my $evil     = q{<script src="x" id='y'>{{evil}}&amp;%3Cevil%3E`</script>};
my $serial   = 0;

sub point
{
    my ($metadata, %members) = @_;
    return { %members, 'passive-data-metadata' =>
            { source => "h$serial", 'generator-id' => 'g', generator => 'g: a/1', timestamp => time, %$metadata } };
}

sub upload
{
    my ($what, @points) = @_;
    $serial++;
    my $answer = $httpd->request('POST', '/data/add-bundle.json', { content => ref $points[0] ? json([ map { $_->() } @points ]) : $points[0],
            headers => { 'content-type' => 'application/json', 'user-agent' => $evil } });
    is($answer->{status}, 201, "stored: $what");
    return;
}

upload('markup everywhere', sub { point({ source => $evil, 'generator-id' => $evil, generator => "$evil: $evil/$evil $evil" },
        $evil => { $evil => $evil }) }, sub { {} });
upload('secondary identifiers of markup',
    sub { point({ source => $evil, 'generator-id' => 'pdk-screen-state' }, state => $evil) });
upload('names that an address could take for its own',
    map { my $name = $_; sub { point({ source => $name, 'generator-id' => $name, generator => $name }) } }
        '/../..', '?&#%', '+ +', ' ', "\x{7f}\r\n\t", "a\x{202e}b", '%00', '.json', 'x.csv');
upload('the longest source', sub { point({ source => join('', map { chr(0x1f600 + $_ % 64) } 1 .. 1024) }) });
upload('long names', sub { point({ 'generator-id' => 'long ' x 4000, generator => ('x' x 30_000) . ': ' . 'y' x 30_000 }) });
upload('a source with the look of a number', sub { point({ source => 'id:1' }) }, sub { point({ source => '1' }) });
upload('sources that begin alike', map { my $n = $_; sub { point({ source => "\x{4e00}" x 1020 . $n }) } } 1 .. 60);
upload('times at both ends', map { my $time = $_; sub { point({ source => 'ends', timestamp => $time }) } }
        -99_999_999_999, 99_999_999_999, -1, 0, 1e17, '9999-12-31T23:59:59Z', '0001-01-01');
upload('a large point', sub { point({ source => 'large' }, page => "<b>\x{e9}" x 200_000) });
upload('many members', sub { point({ source => 'members' }, map { ("<i>$_" => $_) } 1 .. 3000) });
upload('deep nesting', sub { my $deep = 1; $deep = [$deep] for 1 .. 400; point({ source => 'deep' }, v => $deep) });
upload('numbers at their ends',
    sub { point({ source => 'numbers', 'generator-id' => 'pdk-device-battery', latitude => '90', longitude => '-180' }, level => 1e308) });

# As text, because Perl's numbers end where a client's do not.
my @numbers = qw(123456789012345678901234567890 -9223372036854775809 18446744073709551616 12345678901234567890.12345678901234567890 1e400 -1e400 1e-400);
upload('numbers that no machine has', sprintf '[%s]', join ',', map {
    my ($generator, $members) = @$_;
    sprintf '{%s, "passive-data-metadata": {"source": "big", "generator-id": "%s", "generator": "%s: a/1", "timestamp": %d, "n": 1e300}}',
        $members, $generator, $generator, time
} [ 'big-numbers', join ', ', map { qq("v$_": $numbers[$_]) } 0 .. $#numbers ],
    [ 'pdk-device-battery', '"level": 1e300, "scale": 1e-300, "latitude": 1e300, "longitude": -123456789012345678901' ],
    [ 'pdk-system-status',  '"storage_available": -123456789012345678901, "runtime": 1e300' ],
    [ 'pdk-screen-state',   '"state": 123456789012345678901' ], [ 'webmunk-amazon-order', '"order-number": 1e300' ]);
upload('numbers in the place of names', '[{"a": 1, "passive-data-metadata": {"source": 123456789012345678901, "generator-id": 1e300, "generator": -1e400, "timestamp": 1e300}}]');
is(webmunkd($pg, qw(run --once), $_)->{code}, 0, "$_ takes them") for qw(arrival-fold status-checks);

my $browser = WmTest::Browser->signed_in($httpd, 'alice', $password);
my @markup  = (qr/<script src="x"/, qr/<i>1\b/, qr/<b>\x{c3}\x{a9}/, qr/<evil/i);

sub entities
{
    my ($text) = @_;
    my %is = (amp => '&', quot => '"', lt => '<', gt => '>', '#39' => "'", '#96' => '`', '#61' => '=');
    return $text =~ s/&(amp|quot|lt|gt|#39|#96|#61);/$is{$1}/gr;
}

subtest 'every link leads somewhere' => sub {
    my @todo = ('/dashboard/');
    my (%seen, @wrong, @injected);
    while (@todo && keys %seen < 250) {
        my $path = shift @todo;
        next if $seen{$path}++;
        my $answer = $browser->get($path);
        push @wrong, "$answer->{status} $path" if $answer->{status} != 200;
        next unless WmTest::Browser::header($answer, 'content-type') =~ m{text/html};
        for my $pattern (@markup) { push @injected, "$pattern in $path" if $answer->{content} =~ $pattern }
        push @todo, grep { m{^/dashboard/} && !m{/assets/|/sign-out} }
            map { s/#.*//r } map { m{^\?} ? $path =~ s/\?.*//r . $_ : m{^/} ? $_ : $path =~ s{[^/]*(?:\?.*)?$}{}r . $_ }
            map { entities($_) } $answer->{content} =~ /\s(?:href|hx-get|data-\w+)="((?:\/|\?|[a-z]+(?:\.\w+)?\?)[^"]*)"/g;
    }
    cmp_ok(scalar keys %seen, '>', 60, 'the pages are full of links');
    is_deeply(\@wrong, [], '... and each answers') or diag(join("\n", @wrong));
    is_deeply(\@injected, [], '... without markup of a device');
};

subtest 'numbers of any size are shown' => sub {
    my @tabs = (qw(completeness day generators uploads points), map { "points&generator=$_" } qw(pdk-device-battery pdk-system-status pdk-screen-state webmunk-amazon-order));
    for my $page ((map { [ 'participant', "?id=big&tab=$_" ] } @tabs), [ 'participant', '?id=123456789012345678901&tab=points' ], [ 'overview', '' ],
        [ 'participants', '?limit=250' ], [ 'unassigned', '' ], [ 'alerts', '' ])
    {
        my ($name, $arguments) = @$page;
        is($browser->get("/dashboard/$name$arguments")->{status}, 200, "$name$arguments is there");
        my $json = $browser->get("/dashboard/$name.json$arguments");
        is($json->{status}, 200, '... as JSON');
        my $csv = from_json($json->{content})->{links}{csv} or next;
        is($browser->get($csv)->{status}, 200, '... and as CSV');
    }
    for my $form ('', '.json') {
        my $text = $browser->get("/dashboard/participant$form?id=big&tab=points&generator=big-numbers")->{content};
        # The database writes an exponent out; what is beyond a double is text.
        like($text, qr/(?<!\d)\Q$_\E(?![\d.])/, "$_ is shown") for map { $_ eq '1e-400' ? '0.' . '0' x 399 . '1' : $_ } @numbers;
    }
    cmp_ok($pg->scalar("select count(*) from alert where check_name = 'storage-low'"), '>', 0, 'a number raises an alert');
};

# The request line's bound is httpd's default, 8,190 bytes.
subtest 'names of any length have an address' => sub {
    my %number = map { $_->{identifier} => $_->{id} } $pg->rows('select id, identifier from source');
    my ($long) = grep { length > 1000 && !/\x{4e00}/ } keys %number;
    my $list = from_json($browser->get('/dashboard/participants.json?limit=250')->{content});
    is(scalar(@{ $list->{rows} }), scalar(keys %number), 'the list has everybody');
    my @wrong;
    for my $row (@{ $list->{rows} }) {
        my $answer = $browser->get($row->{link}, { accept => 'application/json' });
        my $page = $answer->{status} == 200 ? from_json($answer->{content}) : {};
        push @wrong, "$answer->{status} $row->{link}" if ($page->{participant}{identifier} // '') ne $row->{identifier};
    }
    is_deeply(\@wrong, [], '... and each link leads to the participant it names') or diag(join("\n", @wrong));
    for my $tab (qw(completeness day generators uploads points)) {
        my $page = from_json($browser->get("/dashboard/participant.json?id-number=$number{$long}&tab=$tab")->{content});
        is($page->{participant}{identifier}, $long, "$tab is there by number");
        is($browser->get($_)->{status}, 200, '... and its links lead on') for $page->{links}{self}, map { $_->{link} } @{ $page->{tabs} };
    }
    my $form = $browser->get("/dashboard/participant?id-number=$number{$long}&tab=day")->{content};
    like($form, qr/name="id-number" value="$number{$long}"/, 'the form for a day keeps the number');

    # A name is never taken for a number.
    is(from_json($browser->get('/dashboard/participant.json?id=id%3A1')->{content})->{participant}{id}, $number{'id:1'}, 'a source named id:1 is itself');
    is(from_json($browser->get('/dashboard/participant.json?id=1')->{content})->{participant}{id}, $number{1}, 'a source named 1 is itself');
    is($browser->get("/dashboard/participant?id-number=$_->[0]")->{status}, $_->[1], "number \"$_->[0]\" gets $_->[1]")
        for [ '999999', 404 ], [ '-1', 400 ], [ '1x', 400 ], [ '9' x 19, 400 ];

    my $generators = from_json($browser->get('/dashboard/overview.json')->{content})->{generators};
    my ($wordy) = grep { length $_->{generator} > 10_000 } @$generators;
    my $senders = from_json($browser->get($wordy->{link} =~ s/participants/participants.json/r)->{content});
    is($senders->{total}, 1, 'a generator of 20,000 bytes leads to who sent it');
    is($browser->get($_)->{status}, 200, '... whose links lead on') for $senders->{links}{self}, map { $_->{link} || () } @{ $senders->{table}{columns} };
    is(from_json($browser->get($senders->{table}{chips}[0]{link} =~ s/participants/participants.json/r)->{content})->{total},
        scalar(keys %number), '... and the chip takes the filter away');
    my $html = $browser->get('/dashboard/')->{content} . $browser->get('/dashboard/participants?limit=250')->{content};
    is(scalar(() = $html =~ m{>[^<]{500,}</(?:a|code|strong)>}g), 0, 'lists show the beginning of a long name');
    like($html, qr{<a href="[^"]*id=%20">“ ”</a>}, '... and something of a blank one');

    for my $sort ('identifier', '-identifier') {
        my ($link, %seen) = "/dashboard/participants?sort=$sort&limit=25";
        for (1 .. 10) {
            my $answer = $browser->get($link =~ s/participants/participants.json/r);
            is($answer->{status}, 200, "a page by $sort") or last;
            my $page = from_json($answer->{content});
            $seen{ $_->{identifier} }++ for @{ $page->{rows} };
            $link = $page->{table}{next} or last;
        }
        is(scalar(keys %seen), scalar(keys %number), "walking by $sort meets everybody");
        is_deeply([ grep { $seen{$_} != 1 } keys %seen ], [], '... once');
    }
};

subtest 'arguments of any kind' => sub {
    my @values = ($evil, "'", "' or 1=1 --", '%00', '%ff%fe', '%', '%zz', '-1', '0', '9' x 30, '1e9', 'NaN', 'infinity', '-infinity', '..',
        '2026-11-31', '-4713-01-01', '294277-01-01', '9999-12-31', 'today', 'epoch', '1:', ':1', '1:1', '1:x', '0:9999999999999999999',
        '1:infinity', '1:294277-01-01T00:00:00Z', '-9223372036854775808', '9223372036854775808:1', '1:9223372036854775807',
        'x' x 5000, 'null', '[]', '*', '%25', '_', '\\', 'ends', 'points', 'uploads', 'day', '1,2', "%e2%80%ae");
    my @paths = map { ("/dashboard/$_", "/dashboard/$_.json", "/dashboard/$_.csv") } qw(overview participants unassigned participant alerts);
    my @names = qw(id id-number generator-number tab generator day q state group silent client without sort after before limit days study zone from to v);
    my (%seen, @wrong);
    srand(24);
    for my $round (1 .. 600) {
        my %with = map { ($names[ rand @names ] => $values[ rand @values ]) } 1 .. 1 + rand 4;
        $with{silent} = 1 + int rand 9000 if $with{silent} && rand() < 0.5;
        $with{id} = 'ends' if rand() < 0.5;
        $with{tab} = (qw(points uploads day generators))[ rand 4 ] if rand() < 0.5;
        my $path = $paths[ rand @paths ] . '?'
            . join('&', map { "$_=" . $with{$_} =~ s/([^%\w.:*\\-])/sprintf('%%%02X', ord $1)/ger } sort keys %with);
        my $answer = $browser->get($path);
        $seen{ $answer->{status} }++;
        push @wrong, "$answer->{status} $path" unless $answer->{status} =~ /^(?:200|303|304|400|404|414)$/;
        push @wrong, "markup in $path" if WmTest::Browser::header($answer, 'content-type') =~ /html/
            && grep { $answer->{content} =~ $_ } @markup;
    }
    is_deeply(\@wrong, [], 'none is an error of the server, none becomes markup') or diag(join("\n", @wrong));
    cmp_ok($seen{$_} // 0, '>', 20, "... and there were answers of $_") for 200, 400;
    my $long = $browser->get('/dashboard/participants?' . join('&', map { "a$_=$_" } 1 .. 1500));
    like($long->{status}, qr/^(?:200|400|414)$/, 'a thousand arguments are answered');
};

subtest 'assets stay in their folder' => sub {
    for my $path ('assets/../../../../etc/passwd', 'assets/%2e%2e/%2e%2e/etc/passwd', 'assets/..%2f..%2fetc%2fpasswd', 'assets//etc/passwd',
        'assets/', 'assets', 'assets/.', 'assets/%00', 'assets/webmunk.css%00.js', 'assets/webmunk.css/', 'assets/..;/', "assets/\\..\\x") {
        my $text = $httpd->raw_request("GET /dashboard/$path HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        unlike($text, qr/root:x:/, "$path gives away nothing");
        like($text, qr{\AHTTP/1.1 (?:30[13]|40[0134]|200 OK\r\n(?:[^\r\n]+\r\n)*?Content-Type: text/css)}i, '... and is answered in order');
    }
};

$httpd->log_ok('?AH00026', '?AH10244', '?AH10508');
done_testing();
