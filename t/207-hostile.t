#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Uploads that try to do harm. Content is never refused, for a refused bundle comes back for ever (wire protocol 11.4);
# nothing is acknowledged that is not stored; nobody keeps the others waiting.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64);
use Test::More;
use WmTest;
use WmTest::Httpd;
use WmTest::Postgres;

need_module();
my $pg    = WmTest::Postgres->start;
my $httpd = WmTest::Httpd->start(
    pg       => $pg,
    children => 1,
    threads  => 8,
    data     => "WebmunkBodyTimeout 4s\n    WebmunkBodyRate 1M",
);
my $serial = 0;
srand(20);

# What is large may take long, on its way as well, so it must come in a transaction that allows for it: the statement that
# stores small bundles would be stopped half way, at each try.
$pg->do(<<'EOT');
create function patient() returns trigger language plpgsql as $$
begin
    if current_setting('statement_timeout') <> '1min' then
        raise 'too large for statement_timeout = %', current_setting('statement_timeout');
    end if;
    if current_setting('idle_in_transaction_session_timeout') <> '1min' then
        raise 'too large for idle_in_transaction_session_timeout = %', current_setting('idle_in_transaction_session_timeout');
    end if;
    return new;
end $$;
create trigger patient before insert on data_point for each row
    when (pg_column_size(new.properties) > 5000000) execute function patient();
create trigger patient before insert on bundle for each row
    when (octet_length(new.body) > 5000000) execute function patient();
create trigger patient before insert on quarantine for each row
    when (octet_length(new.raw) > 5000000) execute function patient()
EOT

sub point
{
    my ($metadata, %members) = @_;
    return { %members, 'passive-data-metadata' =>
            { source => 'h' . ++$serial, 'generator-id' => 'g', generator => 'g: a/1', timestamp => 1700000000, %$metadata } };
}

sub upload
{
    my ($content, %headers) = @_;
    $content = json($content) if ref $content;
    return raw_upload($content, 'content-type' => 'application/json', %headers) if "@{[ %headers ]}" =~ /[^ -~]/;
    return $httpd->request('POST', '/data/add-bundle.json',
        { content => $content, headers => { 'content-type' => 'application/json', %headers } });
}

# With bytes that HTTP::Tiny sends in no header.
sub raw_upload
{
    my ($content, %headers) = @_;
    my $text = $httpd->raw_request(join("\r\n", 'POST /data/add-bundle.json HTTP/1.1', 'Host: x', 'Connection: close',
            (map { "$_: $headers{$_}" } sort keys %headers), 'Content-Length: ' . length($content), '', $content));
    return { status => $text =~ m{\AHTTP/1.1 (\d+)} ? $1 : 599 };
}

# Bytes that no compression makes short enough for an index.
sub noise { return substr(encode_base64(join('', map { chr rand 256 } 1 .. $_[0]), ''), 0, $_[0]) }

sub newest { return $pg->row('select points, quarantined from bundle order by id desc limit 1') }

# Accepted, and all of it stored: so many points, and so many pieces in quarantine.
sub accepted
{
    my ($what, $answer, $points, $quarantined) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($answer->{status}, 201, "$what: accepted") or return;
    my $row = newest();
    is_deeply([ @$row{qw(points quarantined)} ], [ $points, $quarantined // 0 ], '... and stored');
    return $row;
}

subtest 'texts of any length' => sub {
    my $long = noise(20_000);
    for my $what ('generator-id', 'generator') {
        accepted("a $what of 20,000 characters", upload([ point({ $what => $long }) ]), 1);
        accepted('... again, for another participant', upload([ point({ $what => $long }) ]), 1);
    }
    accepted('a secondary identifier of 2 MB',
        upload([ point({ 'generator-id' => 'webmunk-extension-matched-rule' }, rule => noise(2_000_000)) ]), 1);
    accepted('a source of 1,024 characters of four bytes',
        upload([ point({ source => join('', map { chr(0x10000 + rand 60000) } 1 .. 1024) }) ]), 1);
    accepted('a User-Agent of 8,000 characters', upload([ point({}) ], 'user-agent' => noise(8000)), 1);
    accepted('a User-Agent and a content type that are no UTF-8',
        upload([ point({}) ], 'user-agent' => "\xff\xfe", 'content-type' => "application/json; x=\xff\xc0"), 1);
    accepted('an identifier in the header that is no UTF-8',
        upload('[{"passive-data-metadata":{"timestamp":1}}]', 'x-pdk-identifier' => "\xff\xfe"), 1);
    accepted('U+0000 and half characters everywhere', upload('[{"\u0000":"\u0000","\ud800":"\udc00","passive-data-metadata":'
            . '{"source":"\u0000","generator-id":"\u0000","generator":"\ud800","timestamp":"\u0000"}}]'), 1);
    my $part = "--b\r\nContent-Disposition: form-data; name=\"%s\"%s\r\n\r\n%s\r\n";
    accepted('part names and types of any bytes', upload(sprintf($part, 'payload', '', json([ point({}) ]))
            . sprintf($part, "\xff\x00" . ('../' x 2000), "; filename=\"\x00\xff\"\r\nContent-Type: \xc0/\x00", 'x') . "--b--\r\n",
            'content-type' => 'multipart/form-data; boundary=b'), 1);
};

subtest 'times and numbers at their ends' => sub {
    my @times = (qw(-99999999999.999999 99999999999.9999999 1e11 -1e11 1e14 -1e14 1e17 -1e17 9.9999e19 -9.9999e19 1e20 1e400
        -0.0 1e-400), '"0001-01-01T00:00:00+23:59"', '"9999-12-31T23:59:60-23:59"', '"1e19"', '"-62135596800"', 'NaN', '-Infinity');
    my $bundle = '[' . join(',', map { json(point({ timestamp => 'T' })) =~ s/"T"/$_/r } @times) . ']';
    accepted('all of them in one bundle', upload($bundle), scalar @times);
    my @numbers = ('1e131071', '1e131072', '1e-16383', '1e-16384', '9' x 131072, '9' x 131073, '0.' . '1' x 16383,
        '0.' . '1' x 16384, '1' x 131072 . '.' . '1' x 16383, '1.7976931348623159e308', '0e999999999999', '-0', '1e999999999999999999999');
    $bundle = '[' . join(',', map { json(point({}, v => 'N', latitude => 'N', longitude => 'N', level => 'N')) =~ s/"N"/$_/gr } @numbers) . ']';
    accepted('all of these as well', upload($bundle), scalar @numbers);
    for my $n (@numbers) {
        my $answer = upload(json([ point({ 'generator-id' => 'N', generator => 'N', timestamp => 'N' }, v => 'N') ]) =~ s/"N"/$n/gr);
        is($answer->{status}, 201, '... and ' . substr($n, 0, 24) . ' wherever a text belongs');
    }
};

subtest 'very many of everything' => sub {
    my $megabyte = noise(1 << 20);
    my $text = '{"passive-data-metadata":{"source":"%s","generator-id":"%s","generator":"%s","timestamp":%d}}';
    accepted('10,000 participants, generators and user agents', upload('['
            . join(',', map { sprintf($text, "many-$_", "many-$_", "many-$_: agent/$_", $_) } 1 .. 10_000) . ']'), 10_000);
    accepted('40,000 participants, which no client has', upload('['
            . join(',', map { sprintf($text, "crowd-$_", 'g', 'g: a/1', $_) } 1 .. 40_000) . ']'), 0, 1);
    is($pg->scalar('select reason from quarantine order by id desc limit 1'), 'too-many-names', '... for a reason of its own');
    is($pg->scalar(q{select count(*) from source where identifier like 'crowd-%'}), 0, '... and none of them is made');
    my $days = '[' . join(',', map { sprintf($text, 'days', 'g', 'g: a/1', $_ * 86_400) } 1 .. 10_000) . ']';
    accepted('10,000 days', upload($days), 10_000);
    accepted('... and the same again', upload($days), 0);
    accepted('100,000 elements that are no points', upload('[' . '{},' x 99_999 . '{}]'), 0, 100_000);
    accepted('a point of 20 MB', upload([ point({}, page => $megabyte x 20) ]), 1);
    accepted('a point with 20 MB of numbers, more than one value can be',
        upload('[{"v":[' . '1,' x 12_000_000 . '1],' . substr(json(point({})), 1) . ']'), 0, 1);
    accepted('a small point among 20 MB of blanks', upload('[' . ' ' x 20_000_000 . json(point({})) . ']'), 1);
    accepted('20 MB that are no JSON', upload($megabyte x 20), 0, 1);
    my $part = "--b\r\nContent-Disposition: form-data; name=\"%s\"%s\r\n\r\n%s\r\n";
    accepted('1,000 files of one name, named by 100 points', upload(sprintf($part, 'payload', '',
                json([ map { point({}, 'f@' => [ ('f') x 100 ]) } 1 .. 100 ]))
            . sprintf($part, 'f', '; filename="blob"', 'x') x 1000 . "--b--\r\n", 'content-type' => 'multipart/form-data; boundary=b'), 100);
    is($pg->scalar('select count(*) from attachment_point'), 100_000, '... and each is linked to each');
    my @named = map { point({}, 'f@' => 'f') } 1 .. 2;
    accepted("a file that points name, $_ of them" . ($_ > 1 ? ' and one known' : ''), upload(sprintf($part, 'payload', '',
                json([ @named[ 0 .. $_ - 1 ] ])) . sprintf($part, 'f', '; filename="blob"', 'x') . "--b--\r\n",
            'content-type' => 'multipart/form-data; boundary=b'), 1) for 1 .. 2;
    is($pg->scalar('select count(*) from attachment_point'), 100_002, '... is linked to the one that is not');
    is($pg->scalar('select count(*) from attachment_point l where not exists (select from data_point d where d.id = l.point_id)'),
        0, '... and no link leads nowhere');
    accepted('10,001 files', upload(sprintf($part, 'f', '; filename="blob"', 'x') x 10_001
            . sprintf($part, 'payload', '', json([ point({}) ])) . "--b--\r\n", 'content-type' => 'multipart/form-data; boundary=b'), 0, 1);
    is($pg->scalar('select reason from quarantine order by id desc limit 1'), 'too-many-files', '... for a reason of its own');
    accepted('200,000 parts that are neither files nor known', upload(sprintf($part, 'x', '', 'y') x 200_000
            . sprintf($part, 'payload', '', json([ point({}) ])) . "--b--\r\n", 'content-type' => 'multipart/form-data; boundary=b'), 1);
    accepted('1,000,000 fields before the payload', upload('x=y&' x 1_000_000 . 'payload=' . json([ point({}) ]),
            'content-type' => 'application/x-www-form-urlencoded'), 1);
};

subtest 'what the database refuses is kept whole' => sub {
    $pg->do(q{alter table data_point add constraint never check (secondary_identifier is distinct from 'never') not valid});
    my @bundle = map { point({ 'generator-id' => 'pdk-screen-state' }, state => $_) } qw(on never off);
    accepted('a bundle that breaks a rule of the database', upload(\@bundle), 0, 1);
    my $row = $pg->row(q{select reason, index, encode(raw, 'escape') as raw from quarantine order by id desc limit 1});
    is_deeply($row, { reason => 'not-storable', index => undef, raw => json(\@bundle) }, '... is in quarantine with its reason');
    my $part = "--b\r\nContent-Disposition: form-data; name=\"%s\"%s\r\n\r\n%s\r\n";
    accepted('... and one with a file, of two participants', upload(sprintf($part, 'payload', '', json([ $bundle[1], point({}) ]))
            . sprintf($part, 'kept', '; filename="blob"', 'x') . "--b--\r\n", 'content-type' => 'multipart/form-data; boundary=b'), 0, 1);
    is($pg->scalar(q{select count(*) from attachment where identifier = 'kept' and bundle_id = (select max(id) from bundle)}), 1,
        '... keeps its file');
    is($pg->scalar('select count(*) from data_point where secondary_identifier is not null and created > now()'), 0, '... and no point');
    $pg->do('alter table data_point drop constraint never');
    accepted('the next one is stored', upload(\@bundle), 3);
};

subtest 'damaged uploads of every kind' => sub {
    my @seeds = map { slurp($_) } grep { -s $_ < 40_000 } glob(shared('spec/vectors/*.body'));
    @seeds = (json([ point({}) ]), 'compression=none&payload=' . json([ point({}) ])) unless @seeds;
    my @types = ('application/json', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=b',
        'multipart/form-data; boundary=----WebKitFormBoundaryAbCdEf0123456789', 'text/plain');
    my (%seen, @wrong);
    my $before = $pg->scalar('select count(*) from bundle');
    for my $round (1 .. 400) {
        my $body = $seeds[ rand @seeds ];
        for (1 .. 1 + rand 4) {
            my ($at, $size) = (int rand(1 + length $body), int rand 40);
            my $how = int rand 4;
            $how == 0 ? substr($body, $at, $size) = ''
                : $how == 1 ? substr($body, $at, 0) = noise($size)
                : $how == 2 ? substr($body, $at, 1) = chr rand 256
                :             substr($body, $at, 0) = substr($body, int rand(1 + length $body), $size);
        }
        my $method = (qw(POST POST CREATE PUT))[ rand 4 ];
        my $path   = (qw(/data/add-bundle.json /data/add-point.json))[ rand 2 ];
        my %headers = ('content-type' => $types[ rand @types ]);
        $headers{'content-encoding'} = 'gzip' if rand() < 0.3;
        my $answer = $httpd->request($method, $path, { content => $body, headers => \%headers });
        my $status = $answer->{status};
        $seen{$status}++;
        my $good = $status == 201 || ($method eq 'PUT' ? $status == 401
            : $method eq 'POST' && ($status == 400 || $status == 415) && !defined eval { from_json($answer->{content}) });
        push @wrong, "$method of $headers{'content-type'} in round $round: $status" unless $good;
    }
    is_deeply(\@wrong, [], 'each is answered as it should');
    is($pg->scalar('select count(*) from bundle') - $before, $seen{201}, '... and each success is a bundle in the database');
    cmp_ok($seen{201}, '>', 100, '... and there are many');
};

subtest 'slow senders' => sub {
    my @slow = map { $httpd->raw } 1 .. 24;
    for my $n (0 .. $#slow) {
        my $method = $n % 2 ? 'POST' : 'CREATE';
        $slow[$n]->send("$method /data/add-bundle.json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n[");
    }
    accepted('while three times as many dawdle as the server has workers, an upload', upload([ point({}) ]), 1);
    my @left = grep { !$_->ended(30) } @slow;
    is(scalar @left, 0, 'each of them is sent away');
    is(scalar(grep { $_->{buffer} =~ /\AHTTP/ } @slow[ grep { !($_ % 2) } 0 .. $#slow ]), 0, '... and no CREATE with an answer');
};

$httpd->log_ok('WM0120', '?AH00484');
done_testing();
