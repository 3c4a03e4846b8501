# Tcl's tcllib, which offers subprotocols even where it has none to offer.
#
# cannot: binary big fragments ping close code abrupt vanish compress tls status

if {[catch {
	package require websocket
	package require json
	package require json::write
} why]} {
	puts $why
	exit 77
}
fconfigure stdin -encoding utf-8
fconfigure stdout -encoding utf-8

# What the connection of the moment has had, and whether it is over; those
# before it may still have something to say.
set call 0
proc heard {of sock type message} {
	global call messages state

	if {$of != $call} { return }
	switch -- $type {
		connect { set state open }
		text { lappend messages $message; set state heard }
		close - disconnect - error - timeout {
			if {$state ne "over"} { set state over }
		}
	}
}

proc receive {n} {
	global messages state

	while {[llength $messages] < $n && $state ne "over"} { vwait state }
}

proc carry_out {task} {
	global call messages state

	set messages {}
	set state new
	set n 0
	set sock [::websocket::open [dict get $task url] [list heard [incr call]] \
		-protocol [dict get $task protocols]]
	vwait state
	if {$state eq "over"} {
		return [json::write object refused [json::write string refused]]
	}
	foreach step [dict get $task do] {
		lassign $step what value
		switch -- $what {
			text - say { ::websocket::send $sock text $value }
			close { ::websocket::close $sock {*}$value }
			end { while {$state ne "over"} { vwait state } }
		}
		if {$what in {text receive}} { receive [incr n] }
	}
	set got {}
	foreach m $messages {
		lappend got [json::write object text [json::write string $m]]
	}
	return [json::write object messages [json::write array {*}$got] \
		pongs {[]} protocol {""} code 1000 reason {""} clean true]
}

json::write indented 0
json::write aligned 0
puts ready
flush stdout
while {[gets stdin line] >= 0} {
	puts [carry_out [json::json2dict $line]]
	flush stdout
}
