# Runs "$@" and kills it, and all it has started, as soon as descriptor 3 closes. The other end of 3 is in the hands of
# a test; the kernel closes it however that test ends, kill -9 included. Started as leader of a process group of its own.
trap 'kill -TERM "$program"' TERM
exec 4<&0
"$@" <&4 3<&- 4<&- &
program=$!
(
  read -r _ <&3
  kill -KILL 0
) 4<&- &
watcher=$!
exec 3<&- 4<&-

# A trapped signal interrupts wait; only the end of the program ends this loop.
wait "$program"
code=$?
while kill -0 "$program" 2>/dev/null; do
  wait "$program"
  code=$?
done

# The watcher may be so young that it still holds the trap above, and would live on through anything milder.
kill -KILL "$watcher"
# What the program has forgotten goes too.
trap '' TERM
kill -TERM 0
exit "$code"
