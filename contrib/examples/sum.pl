#!/usr/bin/env perl
# A running sum of the numbers that come in.
use strict;
use warnings;

$| = 1;    # flush after every print
my $sum = 0;
while (my $line = <STDIN>) {
    chomp $line;
    if ($line =~ /^-?\d+(\.\d+)?$/) {
        $sum += $line;
        print "$sum\n";
    } else {
        print "not a number: $line\n";
    }
}
