# SPDX-License-Identifier: Apache-2.0
# Sends every vector of the wire protocol to a server and compares the answer and what is stored with the manifest.
#   WmTest::Vectors::check(mpm => 'worker', h2 => 1);    # the whole test file
package WmTest::Vectors;
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use JSON::PP ();
use Test::More;
use WmTest;
use WmTest::Httpd;
use WmTest::Postgres;

# A server with the keys, token and limit that the manifest's preconditions name.
sub server
{
    my (%option) = @_;
    my $dir  = workdir();
    my $keys = from_json(slurp(need_shared('spec/vectors/keys.json')));
    spew("$dir/secret.key", "$keys->{server}{secret}\n");
    chmod 0600, "$dir/secret.key";
    spew("$dir/peer.key", "$keys->{client}{public}\n");
    my $pg    = WmTest::Postgres->start;
    my $token = webmunkd({ stdin => "test-bearer-token\n" }, $pg, 'token', 'add', '--value-file', '-', 'vectors');
    die "token: $token->{err}" if $token->{code};
    my $httpd = WmTest::Httpd->start(
        %option,
        pg     => $pg,
        server => "WebmunkBoxSecretKey $dir/secret.key\nWebmunkBoxPeerKey $dir/peer.key",
        # Another filter's idea of inflating must not come in between (vector 60).
        data => "WebmunkInflatedMax 1M\nSetInputFilter DEFLATE",
    );
    return ($pg, $httpd);
}

sub text_of { return defined $_[0] ? "$_[0]" : 'undef' }

# The instants of the manifest are compared as text of microseconds.
sub instant
{
    my ($text) = @_;
    $text =~ s/Z\z//;
    $text .= '.' unless $text =~ /\./;
    my ($whole, $part) = split(/\./, $text, 2);
    return $whole . '.' . substr(($part // '') . '000000', 0, 6);
}

sub answer_differs
{
    my ($got, $expect, $h2) = @_;
    my @bad;
    push @bad, "status $got->{status}, not $expect->{status}" if $got->{status} != $expect->{status};
    my $type = $got->{headers}{'content-type'} // '';
    push @bad, "content type $type" if $expect->{content_type} && $type !~ /^\Q$expect->{content_type}\E\b/;
    my $json = eval { from_json($got->{content} // '') };
    push @bad, 'a body that parses as JSON' if $expect->{not_json} && defined $json;
    push @bad, 'body ' . text_of($got->{content}) if $expect->{json} && json($json) ne json($expect->{json});
    push @bad, "no member $_" for grep { ref $json ne 'HASH' || !exists $json->{$_} } @{ $expect->{json_keys} || [] };
    push @bad, 'a body' if defined $expect->{body} && ($got->{content} // '') ne $expect->{body};
    for my $name (sort keys %{ $expect->{headers} || {} }) {
        push @bad, "header $name" if ($got->{headers}{$name} // '') ne $expect->{headers}{$name};
    }
    for my $name (sort keys %{ $expect->{headers_include} || {} }) {
        my %have = map { lc, 1 } split(/,\s*/, $got->{headers}{$name} // '');
        my $want = $expect->{headers_include}{$name};
        push @bad, "header $name without $_" for grep { !$have{ lc $_ } } ref $want ? @$want : $want;
    }
    return @bad;
}

# One stored point against one of the manifest. Numbers are compared by their text, which the database gives.
sub point_differs
{
    my ($got, $want, $pg) = @_;
    my @bad;
    my %want = map { $_ => $want->{$_} } qw(source generator generator_identifier user_agent secondary_identifier);
    if (($want{secondary_identifier} // '') =~ /^@/) {
        my $bytes = $got->{secondary_identifier} // '';
        utf8::encode($bytes);
        push @bad, 'long secondary identifier' if sha256_hex($bytes) ne $want->{secondary_identifier_sha256};
        delete $want{secondary_identifier};
    }
    push @bad, map { "$_ " . text_of($got->{$_}) . ', not ' . text_of($want{$_}) }
        grep { text_of($got->{$_}) ne text_of($want{$_}) } sort keys %want;
    my $created = $want->{created} eq '@received' ? $got->{received_text} : instant($want->{created});
    push @bad, "created $got->{created_text}, not $created" if $got->{created_text} ne $created;
    my $place = $want->{location} ? join(' ', map { 0 + $_ } @{ $want->{location} }) : 'undef undef';
    my $is = join(' ', map { defined $_ ? 0 + $_ : 'undef' } @$got{qw(longitude latitude)});
    push @bad, "location $is, not $place" if $is ne $place;
    my $encrypted = $want->{encrypted_transmission};
    $encrypted = defined $encrypted ? ($encrypted ? 'true' : 'false') : 'undef';
    push @bad, 'encrypted_transmission ' . text_of($got->{encrypted})
        if text_of($got->{encrypted}) ne $encrypted;
    my ($flags, $wanted) = map { join(',', sort @$_) } $got->{flags}, $want->{flags};
    push @bad, "flags $flags, not $wanted" if $flags ne $wanted;
    push @bad, properties_differ($got, $want, $pg);
    return @bad;
}

sub properties_differ
{
    my ($got, $want, $pg) = @_;
    my @bad;
    my $value = sub { $pg->scalar('select properties -> $1 from webmunk.point where id = $2', $_[0], $got->{id}) };
    for my $key (sort keys %{ $want->{properties_include} || {} }) {
        my $is = $value->($key);
        my $should = JSON::PP->new->allow_nonref->canonical->encode($want->{properties_include}{$key});
        my $same = $pg->scalar('select $1::jsonb = $2::jsonb', $is, $should);
        push @bad, "property $key is " . text_of($is) . ", not $should" unless ($same // '') eq 't';
    }
    for my $key (sort keys %{ $want->{number_text} || {} }) {
        push @bad, "number $key is " . text_of($value->($key)) if text_of($value->($key)) ne $want->{number_text}{$key};
    }
    push @bad, map { "property $_ is gone" } grep { !defined $value->($_) } @{ $want->{properties_valid_utf8} || [] };
    push @bad, map { "property $_ is gone" } grep { !defined $value->($_) } sort keys %{ $want->{opens_to} || {} };
    return @bad;
}

# What the bundle left behind, against `store` of the manifest.
sub store_differs
{
    my ($pg, $httpd, $bundle, $want) = @_;
    my @bad;
    my @points = $pg->rows(q{select *, encrypted_transmission::text as encrypted,
        to_char(created, 'YYYY-MM-DD"T"HH24:MI:SS.US') as created_text,
        to_char(received, 'YYYY-MM-DD"T"HH24:MI:SS.US') as received_text
        from webmunk.point where bundle_id = $1 order by ordinal}, $bundle);
    push @bad, scalar(@points) . ' points, not ' . scalar(@{ $want->{points} })
        if @points != @{ $want->{points} };
    for my $i (0 .. $#points) {
        last if $i > $#{ $want->{points} };
        push @bad, map { "point $i: $_" } point_differs($points[$i], $want->{points}[$i], $pg);
    }
    my @quarantine = map { (defined $_->{index} ? "point $_->{index}" : 'bundle') . " $_->{reason}" }
        $pg->rows('select * from webmunk.quarantine where bundle_id = $1 order by index', $bundle);
    my @should = map { (defined $_->{index} ? "point $_->{index}" : 'bundle') . " $_->{reason}" }
        @{ $want->{quarantine} };
    push @bad, "quarantine [@quarantine], not [@should]" if "@quarantine" ne "@should";
    push @bad, files_differ($pg, $httpd, $bundle, $want->{files});
    return @bad;
}

sub files_differ
{
    my ($pg, $httpd, $bundle, $want) = @_;
    my @bad;
    my @files = $pg->rows(q{select a.*, encode(a.sha256, 'hex') as digest, min(l.point_id & 1048575) as point_index
        from webmunk.attachment a left join webmunk.attachment_point l on l.attachment_id = a.id
        where a.bundle_id = $1 group by a.id}, $bundle);
    my $text = sub {
        join(' | ', sort map { join(',', map { text_of($_) } @$_{qw(identifier content_type bytes point_index)}) } @_);
    };
    push @bad, 'files ' . $text->(@files) . ', not ' . $text->(@$want) if $text->(@files) ne $text->(@$want);
    for my $file (@files) {
        my $path = $httpd->dir . "/data/$file->{path}";
        push @bad, "the path $file->{path}" if $file->{path} !~ m{^\d{4}/\d\d/[0-9a-f]{32}-\d+$};
        push @bad, "no content at $path" unless -f $path && sha256_hex(slurp($path)) eq $file->{digest};
    }
    return @bad;
}

sub check_one
{
    my ($pg, $httpd, $vector) = @_;
    my $request = $vector->{request};
    # Vectors share points, and what one stored would be a repeat in the next.
    $pg->do('truncate webmunk.data_point');
    my $body = $request->{body_file} ? slurp(shared("spec/vectors/$request->{body_file}")) : undef;
    if ($vector->{id} eq '53') {    # the resend of 03, byte for byte
        $httpd->request($request->{method}, $request->{path}, { headers => $request->{headers}, content => $body });
    }
    my $before = $pg->scalar('select coalesce(max(id), 0) from webmunk.bundle');
    my $got = $httpd->request($request->{method}, $request->{path},
        { headers => $request->{headers}, defined $body ? (content => $body) : () });
    my @bad = answer_differs($got, $vector->{expect});
    my @new = $pg->list('select id from webmunk.bundle where id > $1 order by id', $before);
    my $expected = $vector->{expect}{status} == 201 ? 1 : 0;
    push @bad, scalar(@new) . " bundles, not $expected" if @new != $expected;
    push @bad, store_differs($pg, $httpd, $new[0], $vector->{store}) if @new && $expected;
    push @bad, 'the repeats are not counted'
        if $vector->{id} eq '53' && @new && $pg->scalar('select repeats from webmunk.bundle where id = $1', $new[0]) != 3;
    return @bad;
}

sub check
{
    my (%option) = @_;
    my $manifest = from_json(slurp(need_shared('spec/vectors/manifest.json')));
    my ($pg, $httpd) = server(%option);
    cmp_ok(scalar(@{ $manifest->{vectors} }), '>', 40, 'the manifest has vectors');
    for my $vector (@{ $manifest->{vectors} }) {
        my @bad = check_one($pg, $httpd, $vector);
        ok(!@bad, "vector $vector->{id} ($vector->{name}) is answered and stored as its manifest says");
        diag("  $_") for @bad;
    }
    $httpd->log_ok;
    done_testing();
    return;
}

1;
