# The machine: disks, services, users, processes, the kernel, and what hides traces.
package lighthouse.standard

import rego.v1

# deny system.device: mkfs.ext4 /dev/sda1
# not system.device: dd if=/dev/zero of=disk.img count=1
rules contains deny("system.device", n, "It would destroy what is on a disk.") if {
	some n in by.overwrite_device
	input.effects[n].certainty == "certain"
}

# escalate system.device-maybe: fsck /dev/sda1
# not system.device-maybe: fdisk -l
rules contains escalate("system.device-maybe", n, "It changes disks below their files.") if {
	some n in by.overwrite_device
	input.effects[n].certainty != "certain"
}

# deny system.exhaust: :(){ :|:& };:
# not system.exhaust: f() { ls; }; f
rules contains deny("system.exhaust", n, "It would bring the machine to a halt.") if {
	some n in by.exhaust
	e := input.effects[n]
	e.certainty == "certain"
}

# escalate system.exhaust-maybe: while true; do :; done
# escalate system.exhaust-maybe: yes > /dev/null &
# not system.exhaust-maybe: timeout 5 yes > /dev/null
# not system.exhaust-maybe: while true; do date; sleep 5; done
rules contains escalate("system.exhaust-maybe", n, "It uses the machine up until somebody ends it.") if {
	some n in by.exhaust
	e := input.effects[n]
	e.certainty != "certain"
}

# deny system.backdoor: nc -l -e /bin/sh 4444
# not system.backdoor: nc -z localhost 80
rules contains deny("system.backdoor", n, "It gives others a shell on this machine.") if {
	some n in by.listen
	input.effects[n].place == "shell"
}

# escalate system.listen: nc -l 4444
# not system.listen: nc -z localhost 80
rules contains escalate("system.listen", n, "It opens this machine to others.") if {
	some n in by.listen
	not input.effects[n].place == "shell"
}

risky := {
	"account": "It changes who may do what.",
	"escalate_privilege": "It gives more rights than its caller has.",
	"firewall": "It changes who reaches this machine.",
	"kernel": "It changes the kernel.",
	"mount": "It attaches or detaches filesystems.",
	"persist": "It arranges for something to run later.",
	"probe": "It looks for secrets, weaknesses or open doors.",
	"power": "It halts or restarts the machine.",
	"trace": "It watches others.",
	"disguise": "It switches a protection off, or makes things appear as they are not.",
	"unparsed": "It could not be understood.",
}

# escalate system.account: useradd eve
# escalate system.firewall: iptables -F
# escalate system.kernel: insmod x.ko
# escalate system.mount: mount /dev/sdb1 /mnt
# escalate system.persist: crontab jobs
# escalate system.probe: nmap 10.0.0.1
# escalate system.power: shutdown -h now
# escalate system.unparsed: if then fi done
# not system.power: uptime
# not system.probe: ping localhost
# not system.mount: df -h
rules contains escalate(sprintf("system.%s", [kind]), n, reason) if {
	some kind, reason in risky
	some n in by[kind]
}

# escalate system.conceal: history -c
# not system.conceal: history
rules contains escalate("system.conceal", n, "It removes traces of what happened.") if {
	some n in by.conceal
	e := input.effects[n]
	e.certainty == "certain"
	not made_up(e)
}

# Times of files of one's own are set by builds and tests.
made_up(e) if {
	e.place == "times"
	e.scope in {"project", "temp", "elsewhere"}
}

# escalate system.service: systemctl stop nginx
# not system.service: systemctl restart nginx
rules contains escalate("system.service", n, "It stops a service.") if {
	some n in by.service
	not input.effects[n].place == "restart"
}

# escalate system.kill: kill -9 -1
# not system.kill: kill 1234
rules contains escalate("system.kill", n, "It ends processes of others.") if {
	some n in by.kill
	input.effects[n].place == "everything"
	input.effects[n].certainty == "certain"
}

# escalate system.shared: timedatectl set-time 2001-01-01
# not system.shared: timedatectl
rules contains escalate("system.shared", n, "It changes the machine for all its users.") if {
	some n in by.configure
	input.effects[n].place == "shared"
	input.effects[n].certainty == "certain"
}
