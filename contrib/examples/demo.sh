#!/bin/sh
# What contrib/quickstart serves: a program that explains itself.
#
# It is an ordinary program: it reads lines and prints lines, and works the same
# in a terminal. Every line printed arrives in the browser as a message.

help() {
	cat <<'END'
Hello! You are talking to contrib/examples/demo.sh, a shell script of one screen.
It was started for you alone when this page connected; every line that you send is
a line on its standard input, and what it prints comes back. Try one of these:
  date        what time it is here
  env         what the program was told about you
  count 10    ten lines, one after the other
  oops        something on standard error (it goes to the daemon's log)
  quit 3      end with exit status 3 and see the close code, 4003
  help        this text
Anything else is said back to you. Close the page and the script ends.
END
}

count() {
	case $1 in
	'' | *[!0-9]* | ????*)
		echo "count wants a number below 1000"
		return
		;;
	esac
	i=1
	while [ "$i" -le "$1" ]; do
		echo "$i"
		i=$((i + 1))
	done
}

help
while read -r word rest; do
	case $word in
	help) help ;;
	date) date ;;
	env) env | sort ;;
	count) count "$rest" ;;
	oops)
		echo "oops: somebody asked for it" >&2
		echo "Written to standard error; look at the log."
		;;
	quit)
		case $rest in
		'' | *[!0-9]* | ????*) exit 0 ;;
		*) exit "$rest" ;;
		esac
		;;
	*) printf 'You said: %s\n' "$word${rest:+ $rest}" ;;
	esac
done
