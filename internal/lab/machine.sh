# Runs as the first process of a machine's PID namespace, already in namespaces of its own. Arguments: base root, overlay folder,
# host name, boot id, then the program. File descriptor 3 tells the lab that the machine is up, 4 lets it go on.
set -eu
base=$1 over=$2 name=$3 boot=$4
shift 4
root=$over/root
mkdir -p "$over/upper" "$over/work" "$root"
mount -t overlay machine -o "lowerdir=$base,upperdir=$over/upper,workdir=$over/work" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755,size=64m run "$root/run"
mount -t tmpfs -o mode=1777,size=256m tmp "$root/tmp"
mkdir -p "$root/run/lab" "$root/run/lock"
for d in null zero full random urandom tty; do
  [ -e "$root/dev/$d" ] || : > "$root/dev/$d"
  mount --bind "/dev/$d" "$root/dev/$d"
done
printf '%s\n' "$boot" > "$root/run/lab/boot_id"
mount --bind "$root/run/lab/boot_id" "$root/proc/sys/kernel/random/boot_id"
rm -f "$root/etc/hostname" && printf '%s\n' "$name" > "$root/etc/hostname"
printf '127.0.0.1 localhost %s\n' "$name" > "$root/etc/hosts"
for f in "$over"/files/*; do
  [ -e "$f" ] || continue
  mkdir -p "$root/opt/lab" && cp -a "$f" "$root/opt/lab/"
done
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
cd "$root"
mkdir -p .host
pivot_root . .host
cd /
umount -l /.host
rmdir /.host
hostname "$name"

echo up >&3
exec 3>&-
read -r _ <&4 || exit 0
exec 4<&-
[ $# -gt 0 ] || { trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done; }
"$@" &
pid=$!
trap 'kill -TERM $pid 2>/dev/null' TERM
while :; do
  wait $pid && status=0 || status=$?
  kill -0 $pid 2>/dev/null || break
done
exit $status
