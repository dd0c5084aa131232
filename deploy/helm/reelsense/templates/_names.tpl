{{/* Labels of everything of one component: dict "root" $ "component" NAME */}}
{{- define "reelsense.selector" -}}
app.kubernetes.io/name: reelsense
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "reelsense.labels" -}}
{{ include "reelsense.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{/* dict "root" $ "image" NAME */}}
{{- define "reelsense.image" -}}
{{- with .root.Values.image.registry }}{{ . }}/{{ end }}{{ .image }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{- define "reelsense.address" -}}
{{- required "publicAddress is needed: where people find the platform, such as https://reviews.example.org" .Values.publicAddress }}
{{- end }}

{{- define "reelsense.imagePullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "reelsense.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "reelsense.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* What all long-running pods share: dict "root" $ "component" NAME, and "user" where it is not ours */}}
{{- define "reelsense.pod" -}}
serviceAccountName: {{ if eq .component "gateway" }}default{{ else }}{{ .root.Release.Name }}{{ end }}
automountServiceAccountToken: false
# A Service named `mlflow` would otherwise become MLFLOW_PORT=tcp://…
enableServiceLinks: false
securityContext:
  {{- include "reelsense.podSecurity" (.user | default 10001) | nindent 2 }}
{{- include "reelsense.imagePullSecrets" .root }}
topologySpreadConstraints:
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "reelsense.selector" $ | nindent 8 }}
  {{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{- define "reelsense.annotations" -}}
{{- /* Pods start anew when what they are told changes. */}}
checksum/told: {{ printf "%s %s %s" (toJson .Values.secrets) (toJson .Values.settings) (toJson .Values.s3) | sha256sum }}
{{- end }}

{{- define "reelsense.claim" -}}
{{- $told := index .root.Values.storage .volume -}}
{{- $told.existingClaim | default (printf "%s-%s" .root.Release.Name .volume) }}
{{- end }}

{{- define "reelsense.homeVolumes" -}}
- {name: tmp, emptyDir: {sizeLimit: 2Gi}}
- {name: home, persistentVolumeClaim: {claimName: {{ include "reelsense.claim" (dict "root" . "volume" "home") }}}}
{{- end }}

{{- define "reelsense.homeMounts" -}}
- {name: tmp, mountPath: /tmp}
- {name: home, mountPath: /var/lib/reelsense/home}
{{- end }}
