#!/bin/sh
# dash 0.5.12-2 (Debian 12), its built-in kill: of the usual ways to write "this signal to this
# process group", two are refused, and not the same two as one would guess from the others.
#
#   kill -s STOP -- -PGID   taken
#   kill -STOP -- -PGID     refused: "Illegal number: -"
#   kill -s STOP -PGID      refused: "Illegal option -N" (the first digit of the group)
#   kill -STOP -PGID        taken
#   kill -- -PGID           taken
#
# Run as root (it asks apt for that very package). bash takes all five. POSIX (kill, XSI) has "kill [-signal_name] pid..." with "--" as for every
# utility (XBD 12.2, guideline 10), so the second is valid; it is what people write to be safe of a
# negative number, and in a script for /bin/sh on Debian the group then is not signalled.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get update -qq && apt-get download -qq -o APT::Sandbox::User=root dash=0.5.12-2
dpkg-deb -x dash_*.deb root
cat >try <<'END'
for form in '-s STOP -- -G' '-STOP -- -G' '-s STOP -G' '-STOP -G' '-- -G'; do
    setsid sleep 30 &
    group=$!
    # Until it has a group of its own.
    while [ "$(ps -o pgid= -p $group | tr -d ' ')" != $group ]; do :; done
    said=$(eval "kill $(echo "$form" | sed s/G/$group/)" 2>&1) && said=taken
    echo "kill $form: $(echo "$said" | sed -e 's/.*kill: //' -e 's/option -[0-9]/option -N/')"
    kill -KILL "-$group" 2>/dev/null || :
done
END
root/bin/dash try 2>/dev/null >seen
cat >expected <<'END'
kill -s STOP -- -G: taken
kill -STOP -- -G: Illegal number: -
kill -s STOP -G: Illegal option -N
kill -STOP -G: taken
kill -- -G: taken
END
cat seen
diff expected seen && echo "as it was seen"
