#!/bin/sh
# A conversation: every line read is a message, every line printed is one.
read -r name || exit 0
echo "Hello, $name. You come from ${REMOTE_ADDR:-nowhere}."
while read -r line; do
	if [ "$line" = bye ]; then
		echo "Bye, $name."
		exit 3 # the client sees close code 4003
	fi
	echo "You said: $line"
done
