# SPDX-License-Identifier: Apache-2.0
# A browser as far as signing in needs one: cookies, the form's hidden fields, same-origin headers.
#   my $browser = WmTest::Browser->new($httpd);
#   $browser->sign_in('alice', $password);    # the answer to the form
#   $browser->get('/dashboard/participants');
package WmTest::Browser;
use strict;
use warnings;
use Exporter 'import';
use HTTP::Tiny;
use WmTest;

our @EXPORT = qw(people header);

# Make accounts, name => role (undef: none), and return the password of all.
sub people
{
    my ($pg, @list) = @_;
    my $password = 'a long enough password';
    my $file     = spew(workdir() . '/password', "$password\n");
    while (my ($name, $role) = splice(@list, 0, 2)) {
        my $done = webmunkd($pg, 'account', 'add', $name, '--password-file', $file, defined $role ? ('--role', $role) : ());
        die "account add $name: $done->{err}" if $done->{code};
    }
    return $password;
}

# A header of an answer, '' when it has none.
sub header
{
    my ($answer, $name) = @_;
    return $answer->{headers}{$name} // '';
}

sub new
{
    my ($class, $httpd, %option) = @_;
    return bless { httpd => $httpd, cookies => {}, base => $option{base} || '/dashboard', headers => $option{headers} || {} },
        $class;
}

sub cookies { return $_[0]{cookies} }

# Everything in Set-Cookie, by name: {value, attributes}.
sub set_cookies
{
    my ($answer) = @_;
    my $all = $answer->{headers}{'set-cookie'};
    my %set;
    for (ref $all ? @$all : defined $all ? $all : ()) {
        my ($name, $value, $attributes) = /^([^=]+)=([^;]*)(?:; ?(.*))?$/ or next;
        $set{$name} = { value => $value, attributes => $attributes // '' };
    }
    return \%set;
}

sub request
{
    my ($self, $method, $path, $option) = @_;
    my %headers = (%{ $self->{headers} }, %{ ($option || {})->{headers} || {} });
    delete @headers{ grep { !defined $headers{$_} } keys %headers };
    my $cookies = join('; ', map { "$_=$self->{cookies}{$_}" } sort keys %{ $self->{cookies} });
    $headers{cookie} //= $cookies if length $cookies;
    my $answer = $self->{httpd}->request($method, $path, { %{ $option || {} }, headers => \%headers });
    my $set = set_cookies($answer);
    for my $name (keys %$set) {
        if ($set->{$name}{attributes} =~ /Max-Age=0/) {
            delete $self->{cookies}{$name};
        } else {
            $self->{cookies}{$name} = $set->{$name}{value};
        }
    }
    return $answer;
}

sub get
{
    my ($self, $path, $headers) = @_;
    return $self->request('GET', $path, { headers => $headers || {} });
}

sub post
{
    my ($self, $path, $form, $headers) = @_;
    my $content = HTTP::Tiny->new->www_form_urlencode($form);
    return $self->request('POST', $path, {
        headers => { 'content-type' => 'application/x-www-form-urlencoded', 'sec-fetch-site' => 'same-origin', %{ $headers || {} } },
        content => $content,
    });
}

# The form token of a page.
sub token
{
    my ($answer) = @_;
    my ($token) = $answer->{content} =~ /name="csrf" value="([^"]+)"/;
    return $token;
}

# Fetch the form, fill it in, send it. More fields and headers replace what the form has.
sub sign_in
{
    my ($self, $name, $password, $more, $headers) = @_;
    my $form = $self->get("$self->{base}/sign-in");
    return $self->post("$self->{base}/sign-in",
        { user => $name, password => $password, csrf => token($form) // '', %{ $more || {} } }, $headers);
}

# A browser that has signed in.
sub signed_in
{
    my ($class, $httpd, $name, $password) = @_;
    my $self   = $class->new($httpd);
    my $answer = $self->sign_in($name, $password);
    die "sign-in of $name: $answer->{status}" unless $answer->{status} == 303;
    return $self;
}

1;
