{{/* Names that must be there. */}}
{{- define "reelsense.neededSecrets" -}}
- REELSENSE_DATABASE_URL
- MLFLOW_BACKEND_STORE_URI
- AIRFLOW__DATABASE__SQL_ALCHEMY_CONN
- AIRFLOW__CELERY__BROKER_URL
- AIRFLOW__API_AUTH__JWT_SECRET
- AIRFLOW__API__SECRET_KEY
- AIRFLOW__CORE__FERNET_KEY
- AIRFLOW_ADMIN_PASSWORD
- GATE_PASSWORD
- REELSENSE_LINKS__API_KEY
- REELSENSE_CRAWL__HASH_SALT
- REELSENSE_PAGE__SALT
{{- if .Values.settings.REELSENSE_PAGE__OIDC_CLIENT_ID }}
- REELSENSE_PAGE__OIDC_CLIENT_SECRET
- REELSENSE_PAGE__COOKIE_SECRET
{{- else }}
- REELSENSE_PAGE__ADMIN_PASSWORD
{{- end }}
{{- end }}

{{/* All names that the Secret has, as a JSON list. */}}
{{- define "reelsense.secretNames" -}}
{{- $needed := include "reelsense.neededSecrets" . | fromYamlArray -}}
{{- $further := ternary .Values.secrets.furtherNames (keys .Values.secrets.values) (ne .Values.secrets.existingSecret "") -}}
{{- concat $needed $further | uniq | sortAlpha | toJson }}
{{- end }}

{{/* Refuses what is missing, short, from an example, or there twice. */}}
{{- define "reelsense.checkSecrets" -}}
{{- $given := .Values.secrets.values -}}
{{- $seen := dict -}}
{{- range include "reelsense.neededSecrets" . | fromYamlArray -}}
  {{- $value := required (printf "secrets.values.%s is needed (or secrets.existingSecret)" .) (get $given .) -}}
  {{- if lt (len $value) 12 -}}{{ fail (printf "secrets.values.%s has less than 12 characters" .) }}{{- end -}}
  {{- if contains "change-me" (lower $value) -}}{{ fail (printf "secrets.values.%s is still the example's" .) }}{{- end -}}
  {{- if hasKey $seen $value -}}{{ fail (printf "secrets.values.%s is the same as %s" . (get $seen $value)) }}{{- end -}}
  {{- $_ := set $seen $value . -}}
{{- end -}}
{{- end }}

{{- define "reelsense.secret" -}}
{{ .Values.secrets.existingSecret | default .Release.Name }}
{{- end }}

{{/* Environment from the Secret: dict "root" $ "names" LIST, and "secret" where it is another one */}}
{{- define "reelsense.secretEnv" -}}
{{- range .names }}
- {name: {{ . }}, valueFrom: {secretKeyRef: {name: {{ $.secret | default (include "reelsense.secret" $.root) }}, key: {{ . }}}}}
{{- end }}
{{- end }}

{{/* What the core is told wherever it runs: the store's address, the salt, and settings that are secrets. */}}
{{- define "reelsense.coreSecretNames" -}}
{{- $names := list -}}
{{- range include "reelsense.secretNames" . | fromJsonArray -}}
  {{- if and (hasPrefix "REELSENSE_" .) (not (hasPrefix "REELSENSE_PAGE__" .)) -}}{{ $names = append $names . }}{{- end -}}
  {{- if hasPrefix "AWS_" . -}}{{ $names = append $names . }}{{- end -}}
{{- end -}}
{{- toJson $names }}
{{- end }}

{{- define "reelsense.s3Env" -}}
- {name: AWS_DEFAULT_REGION, value: {{ .Values.s3.region | quote }}}
{{- with .Values.s3.endpoint }}
- {name: AWS_ENDPOINT_URL, value: {{ . | quote }}}
- {name: MLFLOW_S3_ENDPOINT_URL, value: {{ . | quote }}}
{{- end }}
{{- end }}

{{- define "reelsense.coreEnv" -}}
- {name: REELSENSE_HOME, value: /var/lib/reelsense/home}
- {name: REELSENSE_LOG_FORMAT, value: json}
- {name: REELSENSE_MLFLOW_TRACKING_URI, value: "http://mlflow:5000"}
- {name: REELSENSE_LINKS__UI, value: {{ printf "%s/" (include "reelsense.address" .) | quote }}}
- {name: REELSENSE_LINKS__MLFLOW, value: {{ printf "%s/mlflow" (include "reelsense.address" .) | quote }}}
- {name: REELSENSE_LINKS__AIRFLOW, value: {{ printf "%s/airflow" (include "reelsense.address" .) | quote }}}
- {name: REELSENSE_LINKS__API, value: "http://api:8000"}
{{- with .Values.s3.objectStore }}
- {name: REELSENSE_OBJECT_STORE, value: {{ . | quote }}}
{{- end }}
{{ include "reelsense.s3Env" . }}
{{- include "reelsense.secretEnv" (dict "root" . "names" (include "reelsense.coreSecretNames" . | fromJsonArray)) }}
{{- range $name, $value := .Values.settings }}
{{- if not (hasPrefix "REELSENSE_PAGE__" $name) }}
- {name: {{ $name }}, value: {{ $value | toString | quote }}}
{{- end }}
{{- end }}
{{- end }}

{{- define "reelsense.airflowSecretNames" -}}
["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "AIRFLOW__CELERY__BROKER_URL", "AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__API__SECRET_KEY", "AIRFLOW__CORE__FERNET_KEY", "AIRFLOW_ADMIN_PASSWORD"]
{{- end }}

{{- define "reelsense.airflowEnv" -}}
- {name: AIRFLOW_HOME, value: /var/lib/reelsense/airflow}
- {name: AIRFLOW__CORE__EXECUTOR, value: CeleryExecutor}
- {name: AIRFLOW__CORE__EXECUTION_API_SERVER_URL, value: "http://airflow-api:8080/airflow/execution/"}
# A pod's name is no name in DNS, its address is one.
- {name: AIRFLOW__CORE__HOSTNAME_CALLABLE, value: airflow.utils.net.get_host_ip_address}
- {name: AIRFLOW__API__BASE_URL, value: {{ printf "%s/airflow" (include "reelsense.address" .) | quote }}}
- {name: AIRFLOW__API__HOST, value: 0.0.0.0}
{{- end }}
