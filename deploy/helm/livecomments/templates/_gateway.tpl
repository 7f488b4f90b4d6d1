{{/* What `livecomments gateway-config` is told. (root) */}}
{{- define "lc.gatewayArguments" -}}
{{- $gateway := .Values.gateway -}}
{{- $streams := dict "root" . "role" (include "lc.streamRole" .) -}}
{{- $writes := dict "root" . "role" (include "lc.storeRole" .) -}}
- cluster
- gateway-config
- /gateway
- --bind={{ .Values.bindHost }}
- --http-port=8080
- --https-port=8443
- --certificate={{ include "lc.gatewayCertificate" . }}
- --control=unix@/gateway/haproxy.sock mode 600
# The pod's own nameservers, asked again and again: a pod that comes back has another address.
- --nameserver=system
- --node={{ include "lc.gatewayServers" $streams }}
- --writer={{ include "lc.gatewayServers" $writes }}
- --placement={{ $gateway.placement | default (ternary "round_robin" "hash" (has .Values.topology (list "broadcast" "partitioned"))) }}
{{- if $gateway.maxConnections }}
- --max-connections={{ int64 $gateway.maxConnections }}
{{- else }}
- --memory-mib=$(GATEWAY_MIB)
{{- end }}
- --threads={{ int $gateway.threads }}
{{- with .Values.corsOrigins }}
- --cors-origins={{ join "," . }}
{{- end }}
{{- end -}}

{{/* All pods that a role may have, by names: a video's streams go by the number of a node, which
thus stays while pods come and go. (dict "root" "role") */}}
{{- define "lc.gatewayServers" -}}
{{ include "lc.fullname" .root }}-{{ .role }}-[1-{{ include "lc.slots" . }}].{{ include "lc.domain" . }}:8001/8003
{{- end -}}

{{- define "lc.gatewayCertificate" -}}
{{- if .Values.gateway.tlsSecret -}}/gateway-tls/gateway.pem{{- else -}}/certs/gateway/gateway.pem{{- end -}}
{{- end -}}

{{/* Names of the Service, for the certificate of development. */}}
{{- define "lc.gatewayNames" -}}
{{- $service := printf "%s-gateway" (include "lc.fullname" .) -}}
gateway={{ $service }},{{ $service }}.{{ .Release.Namespace }},{{ $service }}.{{ .Release.Namespace }}.svc,{{ include "lc.domain" (dict "root" . "role" "gateway") }},localhost,127.0.0.1
{{- end -}}
