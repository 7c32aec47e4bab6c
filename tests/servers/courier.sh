# Courier-IMAP in mounts of its own: sh courier.sh UNPACKED DIRECTORY IMAP IMAPS UID GID.
# UNPACKED is where the packages lie, empty if they are installed. Each user name on standard input becomes
# a user, and is said back; with the end of the input everything ends.
set -e
unpacked=$1 directory=$2 imap=$3 imaps=$4 uid=$5 gid=$6
if [ -n "$unpacked" ]; then
  mount -t overlay -o "lowerdir=$unpacked/usr:/usr" overlay /usr
  mount -t overlay -o "lowerdir=$unpacked/etc:/etc" overlay /etc
  cp /etc/passwd /etc/group "$directory/etc"
  echo "courier:x:$uid:$gid::/nonexistent:/bin/false" >>"$directory/etc/passwd"
  echo "courier:x:$gid:" >>"$directory/etc/group"
  mount --bind "$directory/etc/passwd" /etc/passwd
  mount --bind "$directory/etc/group" /etc/group
fi
cp /etc/courier/imapd /etc/courier/imapd-ssl "$directory/etc"
mount --bind "$directory/etc" /etc/courier
mount -t tmpfs tmpfs /run
mkdir -p /run/courier/authdaemon

authlib=/usr/lib/courier/courier-authlib
cat >/etc/courier/authdaemonrc <<END
authmodulelist="authuserdb"
authmodulelistorig="authuserdb"
daemons=2
authdaemonvar=/run/courier/authdaemon
DEBUG_LOGIN=0
DEFAULTOPTIONS=""
LOGGEROPTS=""
END
install -m 600 /dev/null /etc/courier/userdb
$authlib/authdaemond >&2 &

set -a
. /etc/courier/imapd-ssl
. /etc/courier/imapd
TLS_CERTFILE="$directory/courier.pem" TLS_CACHEFILE="" TLS_DHPARAMS="" IMAP_STARTTLS=YES IMAP_IDLE_TIMEOUT=1
unset IMAP_ULIMITD
set +a
serve() {
  couriertcpd -address=127.0.0.1 -maxprocs=200 -maxperip=200 -nodnslookup -noidentlookup "$@" \
    /usr/lib/courier/courier/imaplogin /usr/bin/imapd Maildir >&2 &
}
serve "$imap"
(export IMAP_TLS=1; serve "$imaps" /usr/bin/couriertls -server -tcpd)

hash=$(echo courier-secret | userdbpw -md5)
while read -r user; do
  home=$directory/mail/$user
  mkdir -p "$home"
  maildirmake.courier "$home/Maildir"
  for folder in Sent Drafts Trash; do maildirmake.courier -f $folder "$home/Maildir"; done
  chown -R "$uid:$gid" "$home"
  printf '%s\tuid=%s|gid=%s|home=%s|mail=%s/Maildir|imappw=%s\n' \
    "$user" "$uid" "$gid" "$home" "$home" "$hash" >>/etc/courier/userdb
  makeuserdb >&2
  echo "$user"
done
