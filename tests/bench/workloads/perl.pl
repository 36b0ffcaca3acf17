# SPDX-License-Identifier: MIT
# Hashes, arrays of arrays, regular expressions, split, join, sort, closures and objects; the same in every run.
use strict;
use warnings;

package Shape;

sub new
{
	my ($class, %fields) = @_;
	return bless { %fields, tags => [map { "t$_" } 1 .. $fields{sides}] }, $class;
}

sub describe
{
	my ($self) = @_;
	return join('/', $self->{name}, scalar @{ $self->{tags} }, $self->{size} * 2);
}

package main;

my $state = 42;

sub number
{
	$state = ($state * 1103515245 + 12345) % 2147483648;
	return $state;
}

sub count_words
{
	my ($lines) = @_;
	my %count;

	for my $line (@$lines) {
		for my $word (split /\s+/, $line) {
			$count{ lc $word }++ if $word =~ /^([a-z]+)(\d*)$/i;
		}
	}
	return \%count;
}

sub run
{
	my ($size) = @_;
	my @names = ('Alpha', 'beta', 'Gamma', 'delta');
	my @lines = map { join ' ', map { $names[number() % 4] . number() % 300 } 1 .. 12 } 1 .. $size;
	my $count = count_words(\@lines);
	my @order = sort { $count->{$b} <=> $count->{$a} || $a cmp $b } keys %$count;
	my @shapes = map { Shape->new(name => "s$_", size => number() % 50, sides => 3 + $_ % 5) } 1 .. $size;
	my %groups;

	push @{ $groups{ $_->{size} } }, $_->describe for @shapes;
	my $text = join "\n", map { "$_: " . join(',', sort @{ $groups{$_} }) } sort { $a <=> $b } keys %groups;
	(my $swapped = $text) =~ s{(s\d+)/(\d+)}{$2-$1}g;
	my @parts = map { [split m{[-/]}] } split /[,\n]/, $swapped;
	my $sum = 0;

	$sum += $_->[-1] for @parts;
	print scalar(@order), " $order[0] ", length($swapped), " $sum\n";
}

run(17000) for 1 .. 7;
