# Tcl's tcllib, with one subprotocol: it drops the connections of clients that
# offer others alone, and fails at those that offer none.
#
# options: --subprotocol=chat
# cannot: binary empty big whole orders compress

if {[catch {package require websocket} why]} {
	puts $why
	exit 77
}

proc heard {sock type message} {
	if {$type eq "text"} { ::websocket::send $sock text $message }
}

# The request, a line at a time; an empty one ends it.
proc read_head {sock} {
	global head server

	if {[gets $sock line] < 0} {
		if {[eof $sock]} { close $sock }
	} elseif {$line ne ""} {
		if {[regexp {^([^:]+): *(.*)$} $line - name value]} {
			lappend head($sock) $name $value
		}
	} else {
		fileevent $sock readable {}
		if {[::websocket::test $server $sock / $head($sock)]} {
			::websocket::upgrade $sock
		} else {
			close $sock
		}
		unset head($sock)
	}
}

proc welcome {sock host port} {
	global head

	set head($sock) {}
	fconfigure $sock -translation crlf -blocking 0
	fileevent $sock readable [list read_head $sock]
}

::websocket::loglevel critical
set server [socket -server welcome -myaddr 127.0.0.1 0]
::websocket::server $server
::websocket::live $server / heard chat
puts "ws://127.0.0.1:[lindex [fconfigure $server -sockname] 2]/"
flush stdout
fileevent stdin readable {if {[gets stdin] < 0 && [eof stdin]} exit}
vwait forever
